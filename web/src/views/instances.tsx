import { useComputed } from '@preact/signals'
import { inkOn } from '../base/colours'
import { count, duration, percent } from '../base/units'
import { largest } from '../base/largest'
import { litTree, loaded, selectSpan, show, traceId, visible } from '../model/state'
import { colours } from './colours'
import { report, useAnswer, useSource } from './context'

const [laneHeight, mostLanes] = [20, 200]

// The Gantt chart of one node of the tree: a bar for each time that it happened, with all below it, on whatever
// threads that ran; filled as far as it was busy.
export function InstancesView() {
  const source = useSource()
  const node = useComputed(() => {
    const now = loaded.value
    if (!now?.tree.parent?.length) return -1
    const lit = [...litTree.value]
    if (lit.length) return lit.reduce((best, n) => (now.tree.total[n] > now.tree.total[best] ? n : best))
    // Nothing is selected: what happened more than once and took the most.
    return now.tree.total.reduce((best, total, n) => (now.tree.count[n] > 1 && (best < 0 || total > now.tree.total[best]) ? n : best), -1)
  })
  const answer = useAnswer(() => {
    const { begin, end } = visible.value
    return node.value >= 0 ? source.instances(traceId.value, node.value, Math.floor(begin), Math.ceil(end)) : null
  })
  const now = loaded.value
  const found = answer.value
  if (!now) return null
  if (node.value < 0) return <p class="empty">Select a call, in the tree or the chart: each time that it happened becomes a bar.</p>
  if (!found) return null
  const site = now.tree.site[node.value]
  const { begin, end } = visible.value
  const x = (time: number) => (100 * (time - begin)) / (end - begin)
  const lengths = found.begin.map((b, i) => found.end[i] - b)
  const sorted = [...lengths].sort((a, b) => a - b)
  const lanes = Math.min(largest(found.lane, -1) + 1, mostLanes)
  const colour = colours.value[site] ?? '#9aa0a6'
  return (
    <div class="fill">
      <div class="bar">
        <b><i class="swatch" style={{ background: colour }} />{site >= 0 ? now.sites.name[site] : 'unknown'}</b>
        <span class="faint">
          {count(found.begin.length)} in view{found.left_out ? `, ${count(found.left_out)} shorter ones are left out` : ''}
          {sorted.length > 1 ? `; median ${duration(sorted[sorted.length >> 1])}, longest ${duration(sorted[sorted.length - 1])}` : ''}; at most {lanes} at once
        </span>
      </div>
      <div class="scroll" tabIndex={0} role="group" aria-label="instances, scrolled">
        <div class="instances" role="group" aria-label="instances" style={{ height: `${lanes * laneHeight}px` }}>
          {found.begin.map((from, i) => {
            if (found.lane[i] >= mostLanes) return null
            const share = lengths[i] > 0 ? found.busy[i] / lengths[i] : 1
            const wide = x(found.end[i]) - x(from)
            return (
              <button key={found.span[i]} class="instance" data-span={found.span[i]} tabIndex={-1}
                title={`${duration(lengths[i])}, ${count(found.count[i])} spans, busy ${percent(share)}${share > 1 ? ', on several threads' : ''}`}
                style={{ left: `${x(from)}%`, width: `max(2px, ${wide}%)`, top: `${found.lane[i] * laneHeight}px`, '--busy-share': `${100 * Math.min(share, 1)}%`, '--fill': colour, color: inkOn(colour) }}
                onClick={() => selectSpan(source, found.span[i]).catch(report)}
                onDblClick={() => show({ begin: from - lengths[i] * 0.2, end: found.end[i] + lengths[i] * 0.2 })}>
                {wide > 7 ? duration(lengths[i]) : ''}
              </button>
            )
          })}
        </div>
      </div>
    </div>
  )
}
