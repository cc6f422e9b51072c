// The search for sites, and the palette of commands.
import type { Source } from '../api/types'
import { useSignal } from '@preact/signals'
import { duration } from '../base/units'
import { loaded, palette, searching, select, traceId, traces } from '../model/state'
import { colours } from '../views/colours'
import { commands } from './commands'
import { Finder } from './finder'

const mostFound = 12

export function Search() {
  const now = loaded.value
  const text = searching.value.trim().toLowerCase()
  const sites = now?.sites
  const found = sites && text
    ? sites.name.map((_, i) => i)
        .filter(i => [sites.name[i], sites.text[i], sites.file[i], sites.function[i]].some(s => s.toLowerCase().includes(text)))
        .sort((a, b) => sites.self[b] - sites.self[a]).slice(0, mostFound)
    : []
  return (
    <div class="search">
      <Finder label="search sites" placeholder="search  /" text={searching.value} change={to => (searching.value = to)}
        left={() => (searching.value = '')}
        nothing={`No site has “${searching.value}” in its name, text, file or function.`}
        found={found.map(i => ({
          key: String(i),
          take: () => {
            select({ kind: 'sites', sites: [i] })
            searching.value = ''
          },
          shown: (
            <>
              <i class="swatch" style={{ background: colours.value[i] }} />
              {sites!.name[i] || 'unnamed'} <code class="faint">{sites!.text[i]}</code>
              <span class="faint"> {duration(sites!.self[i])}</span>
            </>
          ),
        }))} />
    </div>
  )
}

export function Palette({ source, openTrace }: { readonly source: Source; readonly openTrace: (id: string) => void }) {
  const text = useSignal('')
  const wanted = text.value.trim().toLowerCase().split(/\s+/)
  const rows = [
    ...commands.map(c => ({ doc: c.doc, keys: c.keys, act: () => c.act(source) })),
    ...traces.value.filter(t => t.id !== traceId.value).map(t => ({ doc: `open ${t.name}`, keys: [], act: () => openTrace(t.id) })),
  ].filter(row => wanted.every(word => row.doc.toLowerCase().includes(word)))
  const leave = () => (palette.value = false)
  return (
    <div class="help" role="dialog" aria-modal="true" aria-label="commands" onPointerDown={event => event.target === event.currentTarget && leave()}>
      <div class="palette">
        <Finder label="commands" placeholder="what is to be done?" autoFocus always text={text.value} change={to => (text.value = to)}
          left={leave} nothing="No command has these words."
          found={rows.slice(0, 60).map((row, i) => ({
            key: `${i} ${row.doc}`,
            take: () => {
              leave()
              row.act()
            },
            shown: <><span>{row.doc}</span><span>{row.keys.map(k => <kbd key={k}>{k.replace('Arrow', '')}</kbd>)}</span></>,
          }))} />
      </div>
    </div>
  )
}

export function Help({ leave }: { readonly leave: () => void }) {
  return (
    <div class="help" role="dialog" aria-modal="true" aria-label="keys" onClick={leave}>
      <div tabIndex={0}>
        <h2>Keys</h2>
        <dl>
          {commands.filter(c => c.keys.length).map(c => [
            <dt key={c.doc}>{c.keys.map(name => <kbd key={name}>{name.replace('Arrow', '')}</kbd>)}</dt>, <dd>{c.doc}</dd>])}
        </dl>
        <p>Wheel: scroll, or with Ctrl zoom at the pointer. Drag: mark a time; with Shift: move. Click: select, in any view;
          all others follow. Double-click: look at one span. The address holds the whole view.</p>
        <p>Drag a tab to move its view: into another group, or to an edge to split it. The bars between views can be dragged,
          or moved by arrow keys.</p>
        <p>In the chart, height is busy time, colour the site with the most of it: nothing vanishes when you look from far away.</p>
      </div>
    </div>
  )
}
