// Small parts that several views are made of.
import { scaleImage } from '../base/colours'
import { loaded } from '../model/state'
import { colours } from './colours'

interface ChoiceProps<T extends string> {
  readonly label: string
  readonly table: Readonly<Record<T, string>>
  readonly value: T
  readonly set: (to: T) => void
}

// One of a few: a label and a list to choose from.
export function Choice<T extends string>({ label, table, value, set }: ChoiceProps<T>) {
  return (
    <label class="choice">
      <span class="faint">{label}</span>{' '}
      <select value={value} onChange={event => set(event.currentTarget.value as T)}>
        {(Object.keys(table) as T[]).map(key => <option key={key} value={key}>{table[key]}</option>)}
      </select>
    </label>
  )
}

// The colour and the name of a site.
export function SiteName({ site, text = false }: { readonly site: number; readonly text?: boolean }) {
  const sites = loaded.value!.sites
  return (
    <>
      <i class="swatch" style={{ background: colours.value[site] }} />
      {site >= 0 ? sites.name[site] || sites.text[site] || 'unnamed' : 'unknown'}
      {text && site >= 0 && sites.text[site] && <code class="faint"> {sites.text[site]}</code>}
    </>
  )
}

// What the colours of a scale mean.
export function ScaleKey({ least, most }: { readonly least: string; readonly most: string }) {
  return (
    <span class="scale faint">
      {least} <i style={{ background: scaleImage }} /> {most}
    </span>
  )
}

// Rows of a table answer Enter as they answer a click.
export function pressing(act: () => void) {
  return {
    tabIndex: 0,
    onClick: act,
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key !== 'Enter' && event.key !== ' ') return
      event.preventDefault()
      act()
    },
  }
}
