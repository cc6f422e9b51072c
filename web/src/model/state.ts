// The whole state of the page. What `View` holds is in the address, so a link restores the view.
import { batch, computed, signal } from '@preact/signals'
import type { Critical, FoundSpans, ListedTrace, Points, Problem, Sites, Source, SpanInfo, Summary, TaskInfo, Tree } from '../api/types'
import { type Layout, layoutText, openView, readLayout, shownIn, usual, type ViewName } from './layout'
import { chosenBy, nothing, readSelection, type Selection, selectionText, sitesOf, treeNodesOf } from './selection'

export interface Range {
  readonly begin: number
  readonly end: number
}

// In the address:
export const traceId = signal('')
export const visible = signal<Range>({ begin: 0, end: 1 })
export const selection = signal<Selection>(nothing)
export const marked = signal<Range | null>(null)
export const layout = signal<Layout>(usual)
// What is set within views, as `view.name`: how to draw the tree, what colours the chart.
export const options = signal<Readonly<Record<string, string>>>({})
export const otherId = signal('') // the run that is compared with
export const theme = signal<'light' | 'dark' | ''>('')

// From the source:
export const traces = signal<readonly ListedTrace[]>([])
export interface Loaded {
  readonly summary: Summary
  readonly sites: Sites
  readonly tree: Tree
  readonly points: Points
}
export const loaded = signal<Loaded | null>(null)
export const trouble = signal<Problem | null>(null)
export const waitingFor = signal('')
export const focusSpan = signal<SpanInfo | null>(null)
export const focusTask = signal<TaskInfo | null>(null)
export const found = signal<FoundSpans | null>(null) // what the selection of a set of spans has found
export const critical = signal<Critical | null>(null)

// What pages without an address (in a notebook's output) may lack.
export const searching = signal('')
export const helping = signal(false)
export const palette = signal(false)
export const keeping = signal(false) // the list of traces, to add and to remove some
export const visit = signal<((trace: string) => void) | null>(null) // opens another trace in this page
export const touring = signal(-1) // the step of the tour, or -1

export const litSites = computed<ReadonlySet<number>>(() => {
  const now = loaded.value
  return new Set(now ? sitesOf(selection.value, now.sites, now.tree, found.value?.sites) : [])
})
export const litTree = computed<ReadonlySet<number>>(() => {
  const now = loaded.value
  return now ? treeNodesOf(selection.value, now.sites, now.tree, found.value?.sites) : new Set()
})
export const chosen = computed(() => {
  const now = loaded.value
  return now ? chosenBy(selection.value, now.sites, now.tree) : {}
})

export const shownViews = computed<ReadonlySet<ViewName>>(() => new Set(shownIn(layout.value)))

export function open(view: ViewName, near?: ViewName): void {
  layout.value = openView(layout.value, view, near)
}

export function optionOf<T extends string>(name: string, choices: readonly T[]): T {
  return oneOf(choices, options.value[name] ?? null, choices[0])
}

export function setOption(name: string, value: string): void {
  options.value = { ...options.value, [name]: value }
}

export function showNothing(): void {
  batch(() => {
    loaded.value = null
    selection.value = nothing
    marked.value = null
    trouble.value = null
    traceId.value = ''
  })
}

export function whole(summary: Summary): Range {
  return { begin: 0, end: Math.max(summary.length, 1) }
}

export function show(range: Range): void {
  const now = loaded.value
  if (!now) return
  visible.value = within(range, now.summary.length)
}

// At least 10 ns wide, and never wholly outside of the trace.
export function within(range: Range, length: number): Range {
  const width = Math.min(Math.max(range.end - range.begin, 10), Math.max(length, 10) * 1.2)
  const centre = Math.min(Math.max((range.begin + range.end) / 2, 0), length)
  return { begin: centre - width / 2, end: centre + width / 2 }
}

export function zoom(factor: number, at?: number): void {
  const { begin, end } = visible.value
  const centre = at ?? (begin + end) / 2
  const low = centre - (centre - begin) * factor
  const now = loaded.value
  if (!now || (end - begin) * factor > now.summary.length * 1.2) {
    if (now) visible.value = whole(now.summary)
    return
  }
  show({ begin: low, end: low + (end - begin) * factor })
}

export function pan(share: number): void {
  const { begin, end } = visible.value
  const by = (end - begin) * share
  show({ begin: begin + by, end: end + by })
}

export function select(next: Selection): void {
  selection.value = next
}

// Selects a span, with its task and all that it waited for.
export async function selectSpan(source: Source, span: number, follow = false): Promise<void> {
  if (span < 0) return
  const info = await source.span(traceId.value, span)
  batch(() => {
    focusSpan.value = info
    selection.value = { kind: 'span', span, site: info.site, tree: info.tree, task: info.task }
    if (follow) {
      const { begin, end } = visible.value
      if (info.end < begin || info.begin > end) {
        const centre = (info.begin + info.end) / 2
        const half = Math.max(end - begin, info.end - info.begin) / 2
        show({ begin: centre - half, end: centre + half })
      }
    }
  })
}

// The selection's own figures: of its span, and of its task.
export async function lookAtSelection(source: Source): Promise<void> {
  const now = selection.value
  if (now.kind === 'spans') {
    const answer = await source.spans(traceId.value, now.query)
    if (selection.value === now) found.value = answer
  } else {
    found.value = null
  }
  if (now.kind !== 'span') {
    focusSpan.value = null
    focusTask.value = null
    return
  }
  if (focusSpan.value?.span !== now.span) focusSpan.value = await source.span(traceId.value, now.span)
  const task = focusSpan.value?.task ?? -1
  focusTask.value = task >= 0 ? await source.task(traceId.value, task) : null
}

const rounded = (n: number) => String(Math.round(n))

// The address of this view, behind '#'.
export function viewText(): string {
  const parts = new URLSearchParams()
  if (traceId.value) parts.set('trace', traceId.value)
  const now = loaded.value
  const all = now && whole(now.summary)
  if (now && (visible.value.begin !== all!.begin || visible.value.end !== all!.end)) {
    parts.set('time', `${rounded(visible.value.begin)}..${rounded(visible.value.end)}`)
  }
  if (selection.value.kind !== 'none') parts.set('selected', selectionText(selection.value))
  if (marked.value) parts.set('mark', `${rounded(marked.value.begin)}..${rounded(marked.value.end)}`)
  if (layoutText(layout.value) !== layoutText(usual)) parts.set('views', layoutText(layout.value))
  for (const [name, value] of Object.entries(options.value)) parts.set(name, value)
  if (otherId.value) parts.set('with', otherId.value)
  if (theme.value) parts.set('theme', theme.value)
  return parts.toString()
}

export interface View {
  readonly trace: string
  readonly time: Range | null
  readonly selection: Selection
  readonly mark: Range | null
  readonly layout: Layout | null
  readonly options: Readonly<Record<string, string>>
  readonly other: string
  readonly theme: 'light' | 'dark' | ''
}

function readRange(text: string | null): Range | null {
  const found = /^(-?\d+)\.\.(-?\d+)$/.exec(text ?? '')
  if (!found) return null
  const [begin, end] = [Number(found[1]), Number(found[2])]
  return begin < end ? { begin, end } : null
}

function oneOf<T extends string>(choices: readonly T[], text: string | null, otherwise: T): T {
  return choices.find(choice => choice === text) ?? otherwise
}

export function readView(text: string): View {
  const parts = new URLSearchParams(text.replace(/^#/, ''))
  return {
    trace: parts.get('trace') ?? '',
    time: readRange(parts.get('time')),
    selection: readSelection(parts.get('selected') ?? ''),
    mark: readRange(parts.get('mark')),
    layout: readLayout(parts.get('views') ?? ''),
    options: Object.fromEntries([...parts].filter(([name]) => name.includes('.'))),
    other: parts.get('with') ?? '',
    theme: oneOf(['light', 'dark', ''] as const, parts.get('theme'), ''),
  }
}
