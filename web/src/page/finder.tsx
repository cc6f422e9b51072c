// A field and what it finds, for the search and the palette: arrows choose, Enter takes.
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'

export interface Found {
  readonly key: string
  readonly shown: ComponentChildren
  readonly take: () => void
}

interface Props {
  readonly text: string
  readonly change: (text: string) => void
  readonly found: readonly Found[]
  readonly nothing: string // said where nothing is found
  readonly label: string
  readonly placeholder: string
  readonly autoFocus?: boolean
  readonly always?: boolean // shows what there is before anything is typed
  readonly left: () => void
}

export function Finder({ text, change, found, nothing, label, placeholder, autoFocus, always, left }: Props) {
  const at = useSignal(0)
  const list = useId()
  const isOpen = Boolean(always || text.trim())
  const chosen = Math.min(at.value, Math.max(found.length - 1, 0))
  return (
    <>
      <input type="search" ref={input => {
        if (autoFocus && input && input !== document.activeElement && !text) input.focus()
      }}
        placeholder={placeholder} aria-label={label} value={text} role="combobox" aria-expanded={isOpen} aria-controls={list}
        aria-activedescendant={isOpen && found.length ? `${list}-${chosen}` : undefined}
        onInput={event => {
          at.value = 0
          change(event.currentTarget.value)
        }}
        onKeyDown={event => {
          const by = { ArrowDown: 1, ArrowUp: -1 }[event.key]
          if (by) at.value = Math.min(Math.max(chosen + by, 0), found.length - 1)
          else if (event.key === 'Enter') found[chosen]?.take()
          else if (event.key === 'Escape') left()
          else return
          if (!by) event.currentTarget.blur()
          event.preventDefault()
          event.stopPropagation()
        }} />
      {isOpen && (
        <div class="found" role="listbox" id={list} aria-label={label}>
          {found.map((row, i) => (
            <button key={row.key} id={`${list}-${i}`} role="option" tabIndex={-1} aria-selected={i === chosen}
              onPointerDown={event => {
                event.preventDefault()
                row.take()
              }}>{row.shown}</button>
          ))}
          {found.length === 0 && <p class="faint" role="option" aria-selected="false">{nothing}</p>}
        </div>
      )}
    </>
  )
}
