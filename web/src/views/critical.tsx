import { useEffect } from 'preact/hooks'
import { count, duration, percent } from '../base/units'
import { critical, litSites, loaded, select, selectSpan, traceId } from '../model/state'
import { report, useSource } from './context'
import { colours } from './colours'
import { pressing } from './widgets'

const mostRows = 300

// The longest way through the task graph: only what lies on it makes the run shorter. Framed in the chart.
export function CriticalView() {
  const source = useSource()
  useEffect(() => {
    if (loaded.value && !critical.value) source.critical(traceId.value).then(found => (critical.value = found), report)
  }, [loaded.value])
  const now = loaded.value
  const path = critical.value
  if (!now) return null
  if (!path) return <p class="empty">Finding the critical path…</p>
  if (path.length === 0) return <p class="empty">Nothing was recorded that a path could go through.</p>
  const { sites } = now
  return (
    <div class="fill">
      <div class="bar">
        <span>
          <b>{duration(path.length)}</b>, {percent(path.length / Math.max(now.summary.length, 1))} of the run: {duration(path.length - path.own)} in {count(path.tasks)} {path.tasks === 1 ? 'task' : 'tasks'}, {duration(path.own)} of callers’ own
        </span>
      </div>
      <div class="scroll halves">
        <table>
          <thead><tr><th>site</th><th>on the path</th><th>twice as fast, the path takes</th></tr></thead>
          <tbody>
            {[...path.sites].sort((a, b) => b.time - a.time).slice(0, mostRows).map(row => (
              <tr key={row.site} class={litSites.value.has(row.site) ? 'lit' : ''} {...pressing(() => select({ kind: 'sites', sites: [row.site] }))}>
                <td><i class="swatch" style={{ background: colours.value[row.site] }} />{sites.name[row.site]}</td>
                <td class="n share" style={{ '--share': `${(100 * row.time) / path.length}%` }}>{duration(row.time)}</td>
                <td class="n">{duration(row.twice_as_fast)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <table>
          <thead><tr><th>task</th><th>begins</th><th>takes</th></tr></thead>
          <tbody>
            {path.path.slice(0, mostRows).map(task => (
              <tr key={task.task} class={litSites.value.has(task.site) ? 'lit' : ''}
                {...pressing(() => selectSpan(source, task.span ?? -1, true).catch(report))}>
                <td><i class="swatch" style={{ background: colours.value[task.site] }} />{sites.name[task.site] ?? 'unknown'}</td>
                <td class="n">{duration(task.begin)}</td>
                <td class="n">{duration(task.end - task.begin)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  )
}
