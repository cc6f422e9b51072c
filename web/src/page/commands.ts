// All that can be done with a key or from the palette: help, keys and palette are made from this table.
import type { Source } from '../api/types'
import { usual, viewNames } from '../model/layout'
import { nothing } from '../model/selection'
import {
  focusSpan, focusTask, helping, keeping, layout, loaded, marked, open, options, palette, pan, select, selectSpan, show,
  theme, touring, visible, whole, zoom,
} from '../model/state'
import { viewTable } from '../views'
import { report } from '../views/context'

export interface Command {
  readonly keys: readonly string[]
  readonly doc: string
  readonly act: (source: Source) => void
}

export function isDark(): boolean {
  return theme.value ? theme.value === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches
}

// The next task along the dependencies of the selected one.
function along(source: Source, forward: boolean): void {
  const task = focusTask.value
  const next = (forward ? task?.after : task?.before)?.[0]
  if (next?.span !== undefined) selectSpan(source, next.span, true).catch(report)
}

function fit(): void {
  const now = loaded.value
  if (!now) return
  const span = focusSpan.value
  const range = marked.value ?? (span && { begin: span.begin, end: span.end })
  if (!range) {
    visible.value = whole(now.summary)
    return
  }
  const room = marked.value ? 0 : (range.end - range.begin) * 0.3
  const wanted = { begin: range.begin - room, end: range.end + room }
  const isThere = Math.abs(visible.value.begin - wanted.begin) < 1 && Math.abs(visible.value.end - wanted.end) < 1
  if (isThere) visible.value = whole(now.summary)
  else show(wanted)
}

function markSpan(): void {
  const span = focusSpan.value
  if (span) marked.value = { begin: span.begin, end: span.end }
}

function leave(): void {
  if (helping.value) helping.value = false
  else if (keeping.value) keeping.value = false
  else if (marked.value) marked.value = null
  else select(nothing)
}

async function copyLink(): Promise<void> {
  await navigator.clipboard?.writeText(location.href).catch(() => {})
}

export const commands: readonly Command[] = [
  { keys: ['w', 'ArrowUp'], doc: 'look closer', act: () => zoom(0.7) },
  { keys: ['s', 'ArrowDown'], doc: 'look from farther away', act: () => zoom(1 / 0.7) },
  { keys: ['a', 'ArrowLeft'], doc: 'go left', act: () => pan(-0.2) },
  { keys: ['d', 'ArrowRight'], doc: 'go right', act: () => pan(0.2) },
  { keys: ['f'], doc: 'look at what is marked or selected; again: at all', act: fit },
  { keys: ['['], doc: 'go to what the task waited for', act: source => along(source, false) },
  { keys: [']'], doc: 'go to what waited for the task', act: source => along(source, true) },
  { keys: ['m'], doc: 'mark the time of the selected span', act: markSpan },
  { keys: ['/'], doc: 'search sites', act: () => document.querySelector<HTMLInputElement>('.search input')?.focus() },
  { keys: ['Ctrl k', ':'], doc: 'do something by its name', act: () => (palette.value = true) },
  { keys: ['t'], doc: 'light or dark', act: () => (theme.value = isDark() ? 'light' : 'dark') },
  { keys: ['?'], doc: 'show the keys', act: () => (helping.value = !helping.value) },
  { keys: ['Escape'], doc: 'select nothing', act: leave },
  { keys: [], doc: 'open, add or remove a trace', act: () => (keeping.value = true) },
  { keys: [], doc: 'a tour of five minutes', act: () => (touring.value = 0) },
  { keys: [], doc: 'views as they were to begin with', act: () => (layout.value = usual) },
  { keys: [], doc: 'nothing set in views: colours, orders, filters as they were', act: () => (options.value = {}) },
  { keys: [], doc: 'copy the link to this view', act: () => void copyLink() },
  ...viewNames.map((name, i): Command => ({
    keys: i < 9 ? [String(i + 1)] : [], doc: `show ${viewTable[name].title}`, act: () => open(name),
  })),
]

export function commandOf(event: KeyboardEvent): Command | undefined {
  if ((event.ctrlKey || event.metaKey) && event.key === 'k') return commands.find(c => c.keys.includes('Ctrl k'))
  if (event.ctrlKey || event.metaKey || event.altKey) return undefined
  return commands.find(c => c.keys.includes(event.key))
}
