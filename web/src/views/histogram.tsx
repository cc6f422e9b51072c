import { useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { largest } from '../base/largest'
import { count, duration } from '../base/units'
import { chosen, found as foundSpans, loaded, marked, select, selection, traceId, visible } from '../model/state'
import { type Selection, sitesOf } from '../model/selection'
import type { Chosen } from '../api/types'
import { useAnswer, useSource } from './context'

// What is counted: the selection; but a brush selects within what was counted before it.
function counted(now: Selection): Chosen {
  if (now.kind !== 'spans') return chosen.value
  return now.query.sites ? { sites: now.query.sites } : {}
}

// How long spans took: of what is selected, within what is marked or seen. Drag over it to select those spans.
export function HistogramView() {
  const source = useSource()
  const room = useRef<HTMLDivElement>(null)
  const brush = useSignal<readonly [number, number] | null>(null) // columns, while it is dragged
  const histogram = useAnswer(() => {
    const range = marked.value ?? visible.value
    return loaded.value ? source.histogram(traceId.value, range.begin, range.end, counted(selection.value)) : null
  })
  const answer = histogram.value
  if (!loaded.value || !answer) return null
  const first = answer.counts.findIndex(n => n > 0)
  if (first < 0) return <p class="empty">No span {selection.value.kind === 'none' ? '' : 'of the selection '}lies in this window.</p>
  const bars = answer.counts.slice(first)
  const most = largest(bars, 1)
  const edge = (i: number) => 2 ** ((first + i) / answer.steps)
  const columnAt = (time: number) => Math.round(Math.log2(Math.max(time, 1)) * answer.steps) - first
  const marks = bars.map((_, i) => i).filter(i => (first + i) % answer.steps === 0)
  const every = Math.max(Math.ceil(marks.length / 12), 1)
  const query = selection.value.kind === 'spans' ? selection.value.query : null
  const [low, high] = brush.value ?? (query?.least !== undefined && query.most !== undefined ? [columnAt(query.least), columnAt(query.most)] : [0, 0])
  const set = (from: number, to: number) => {
    const now = loaded.value!
    const range = marked.value ?? visible.value
    const sites = query ? query.sites : selection.value.kind === 'none' ? undefined : sitesOf(selection.value, now.sites, now.tree)
    select({
      kind: 'spans',
      query: {
        least: Math.ceil(edge(from)), most: Math.ceil(edge(to)), begin: Math.floor(range.begin), end: Math.ceil(range.end),
        thread: undefined, sites,
      },
    })
  }
  const at = (event: PointerEvent) => {
    const box = room.current!.getBoundingClientRect()
    return Math.min(Math.max(Math.floor(((event.clientX - box.left) / box.width) * bars.length), 0), bars.length - 1)
  }
  const start = useRef(-1)
  const move = (event: PointerEvent) => {
    if (start.current < 0) return
    brush.value = [Math.min(start.current, at(event)), Math.max(start.current, at(event)) + 1]
  }
  return (
    <div class="fill">
      <div class="bar faint">
        {count(bars.reduce((sum, n) => sum + n, 0))} spans {marked.value ? 'in the marked time' : 'in view'}
        {selection.value.kind === 'none' ? '' : ', of the selection'}, by how long they took
        {query && foundSpans.value && <b>{count(foundSpans.value.count)} selected, {duration(foundSpans.value.time)} in all</b>}
      </div>
      <div class="histogram" role="group" aria-label="histogram of durations; arrows and Enter, or dragging, select" ref={room}
        onPointerDown={event => {
          start.current = at(event)
          room.current!.setPointerCapture(event.pointerId)
          move(event)
        }}
        onPointerMove={move}
        onPointerUp={() => {
          start.current = -1
          const range = brush.value
          brush.value = null
          if (range) set(range[0], range[1])
        }}>
        {bars.map((n, i) => (
          <div key={i} class={`column${high > low && i >= low && i < high ? ' lit' : ''}`} tabIndex={n ? 0 : -1} role="button"
            aria-label={`${n} spans of ${duration(edge(i))} to ${duration(edge(i + 1))}`}
            title={`${count(n)} spans of ${duration(edge(i))} to ${duration(edge(i + 1))}`}
            onKeyDown={event => event.key === 'Enter' && set(i, i + 1)}>
            <div style={{ height: n ? `max(2px, ${(100 * n) / most}%)` : '0' }} />
          </div>
        ))}
      </div>
      <div class="histogram-axis">
        {marks.filter((_, k) => k % every === 0).map(i => (
          <span key={i} style={{ left: `${(100 * i) / bars.length}%` }}>{duration(edge(i))}</span>
        ))}
      </div>
    </div>
  )
}
