import { largest } from '../base/largest'
import { count, duration } from '../base/units'
import { chosen, loaded, marked, selection, traceId, visible } from '../model/state'
import { useAnswer, useSource } from './context'

// How long spans took: of what is selected, within what is marked or seen. A wide hill wants a look.
export function HistogramView() {
  const source = useSource()
  const histogram = useAnswer(() => {
    const range = marked.value ?? visible.value
    return loaded.value ? source.histogram(traceId.value, range.begin, range.end, chosen.value) : null
  })
  const found = histogram.value
  if (!loaded.value || !found) return null
  const first = found.counts.findIndex(n => n > 0)
  if (first < 0) return <p class="empty">No span {selection.value.kind === 'none' ? '' : 'of the selection '}lies in this window.</p>
  const bars = found.counts.slice(first)
  const most = largest(bars, 1)
  const edge = (i: number) => 2 ** ((first + i) / found.steps)
  const marks = bars.map((_, i) => i).filter(i => (first + i) % found.steps === 0)
  const every = Math.max(Math.ceil(marks.length / 12), 1)
  return (
    <div class="fill">
      <div class="bar faint">
        {count(bars.reduce((sum, n) => sum + n, 0))} spans {marked.value ? 'in the marked time' : 'in view'}
        {selection.value.kind === 'none' ? '' : ', of the selection'}, by how long they took
      </div>
      <div class="histogram" role="img" aria-label="histogram of durations">
        {bars.map((n, i) => (
          <div key={i} class="column" title={`${count(n)} spans of ${duration(edge(i))} to ${duration(edge(i + 1))}`}>
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
