import { useComputed } from '@preact/signals'
import { bytes, count, duration, percent, rate } from '../base/units'
import { litTree, loaded, select, traceId } from '../model/state'
import { roofline } from '../model/roofline'
import { useAnswer, useSource } from './context'
import { pressing, SiteName } from './widgets'

const mostRows = 500

// The steps in the order in which they stand in the program, with the figures of jl.explain; memory and peak are
// shares of the best that any step of this run reached.
export function PlanView() {
  const source = useSource()
  const plan = useAnswer(() => (loaded.value ? source.plan(traceId.value) : null))
  const best = useComputed(() => (loaded.value ? roofline(loaded.value.sites) : null))
  const now = loaded.value
  const found = plan.value
  if (!now || !found) return null
  if (found.tree.length === 0) return <p class="empty">No step of a plan in this trace: no function with <code>@jl.jit</code> ran.</p>
  const { sites } = now
  const depth: number[] = []
  found.parent.forEach((p, i) => (depth[i] = p < 0 ? 0 : depth[p] + 1))
  const all = found.self.reduce((sum, ns) => sum + ns, 0) || 1
  const heaviest = found.self.indexOf(Math.max(...found.self.slice(0, 5000)))
  const reached = (perSecond: number, most: number | undefined) => (perSecond > 0 && most ? percent(Math.min(perSecond / most, 1)) : '-')
  return (
    <div class="fill">
      <div class="bar faint">
        {percent(found.self[heaviest] / all)} of the steps’ own time in {sites.name[found.site[heaviest]] || 'unnamed'}
        {sites.line[found.site[heaviest]] > 0 ? ` (line ${sites.line[found.site[heaviest]]})` : ''}; best of this run: {rate(best.value?.bandwidth ?? 0, 'B/s')}, {rate(best.value?.speed ?? 0, 'F/s')}{found.tree.length > mostRows ? `; the first ${mostRows} of ${count(found.tree.length)} steps are shown` : ''}
      </div>
      <div class="scroll">
        <table class="plan">
          <thead>
            <tr>
              {['step', 'line', 'calls', 'own time', 'total', 'waited', 'tasks', 'threads', 'bytes', 'flops', 'memory', 'peak'].map(t => <th key={t} scope="col">{t}</th>)}
            </tr>
          </thead>
          <tbody>
            {found.tree.slice(0, mostRows).map((node, i) => {
              const site = found.site[i]
              const seconds = found.self[i] / 1e9
              return (
                <tr key={node} data-tree={node} class={litTree.value.has(node) ? 'lit' : ''} {...pressing(() => select({ kind: 'tree', tree: node }))}>
                  <td title={site >= 0 ? sites.text[site] : ''} style={{ paddingLeft: `${8 + depth[i] * 14}px` }}><SiteName site={site} text /></td>
                  <td class="n faint">{site >= 0 && sites.line[site] > 0 ? sites.line[site] : '-'}</td>
                  <td class="n">{count(found.count[i])}</td>
                  <td class="n share" style={{ '--share': `${(100 * found.self[i]) / all}%` }} title={percent(found.self[i] / all)}>{duration(found.self[i])}</td>
                  <td class="n">{duration(found.total[i])}</td>
                  <td class="n">{found.waited[i] ? duration(found.waited[i]) : '-'}</td>
                  <td class="n">{found.tasks[i] ? count(found.tasks[i]) : '-'}</td>
                  <td class="n">{count(found.threads[i])}</td>
                  <td class="n">{bytes(found.bytes[i])}</td>
                  <td class="n">{rate(found.flops[i], 'F')}</td>
                  <td class="n">{reached(found.bytes[i] / seconds, best.value?.bandwidth)}</td>
                  <td class="n">{reached(found.flops[i] / seconds, best.value?.speed)}</td>
                </tr>
              )
            })}
          </tbody>
        </table>
      </div>
    </div>
  )
}
