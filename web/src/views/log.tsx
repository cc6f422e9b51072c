import { useComputed, useSignal } from '@preact/signals'
import { count, digits, duration } from '../base/units'
import { litSites, loaded, marked, optionOf, select, setOption, show, visible } from '../model/state'
import { Choice, pressing, SiteName } from './widgets'

const mostRows = 500
const kinds = { all: 'all', fire: 'policies', trial: 'trials of the tuner', decide: 'plans', mark: 'marks' } as const
const words: Readonly<Record<string, string>> = { fire: 'policy', trial: 'trial', decide: 'plan', mark: 'mark' }

// What policies and the tuner did, plans that were chosen, and moments that the user named; triangles in the chart.
export function LogView() {
  const inView = useSignal(false)
  const kind = optionOf('log.kind', Object.keys(kinds) as (keyof typeof kinds)[])
  const rows = useComputed(() => {
    const points = loaded.value?.points
    const wanted = optionOf('log.kind', Object.keys(kinds) as (keyof typeof kinds)[])
    const range = inView.value ? (marked.value ?? visible.value) : null
    return (points?.time ?? []).map((_, i) => i).filter(i =>
      (wanted === 'all' || points!.event[i] === wanted) && (!range || (points!.time[i] >= range.begin && points!.time[i] <= range.end)))
  })
  const now = loaded.value
  if (!now) return null
  const { points, summary } = now
  if (points.time.length === 0) return <p class="empty">No policy acted, the tuner tried nothing, and no plan was chosen anew.</p>
  const nameOf = (thread: number) => summary.tracks.find(t => t.thread === thread)?.name ?? '-'
  return (
    <div class="fill">
      <div class="bar">
        <Choice label="what" table={kinds} value={kind} set={to => setOption('log.kind', to)} />
        <label><input type="checkbox" checked={inView.value} onChange={event => (inView.value = event.currentTarget.checked)} /> only what is in view</label>
        <span class="faint">{count(rows.value.length)} moments{rows.value.length > mostRows ? `; the first ${mostRows} are shown` : ''}</span>
      </div>
      <div class="scroll">
        <table>
          <thead><tr><th scope="col">what</th><th scope="col">kind</th><th scope="col">at</th><th scope="col">value</th><th scope="col">thread</th></tr></thead>
          <tbody>
            {rows.value.slice(0, mostRows).map(i => (
              <tr key={i} data-point={i} class={litSites.value.has(points.site[i]) ? 'lit' : ''} {...pressing(() => {
                const half = (visible.value.end - visible.value.begin) / 2
                if (points.time[i] < visible.value.begin || points.time[i] > visible.value.end) show({ begin: points.time[i] - half, end: points.time[i] + half })
                if (points.site[i] >= 0) select({ kind: 'sites', sites: [points.site[i]] })
              })}>
                <td><SiteName site={points.site[i]} text /></td>
                <td>{words[points.event[i]] ?? points.event[i]}</td>
                <td class="n">{duration(points.time[i])}</td>
                <td class="n">{valueOf(points.event[i], points.value?.[i] ?? null)}</td>
                <td class="n">{nameOf(points.thread[i])}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  )
}

function valueOf(event: string, value: number | null): string {
  if (value === null || event === 'mark') return '-'
  return event === 'trial' ? `cost ${digits(value)}` : event === 'decide' ? `${count(value)} plans by now` : digits(value)
}
