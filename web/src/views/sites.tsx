import { useComputed, useSignal } from '@preact/signals'
import type { Sites } from '../api/types'
import { bytes, count, duration, percent, rate } from '../base/units'
import { litSites, loaded, select } from '../model/state'
import { colours } from './gantt'

const mostRows = 300

type Key = 'name' | 'line' | 'count' | 'total' | 'self' | 'median' | 'p99' | 'most' | 'bytes' | 'flops'
const columns: readonly { readonly key: Key; readonly title: string; readonly doc: string }[] = [
  { key: 'name', title: 'site', doc: 'what ran' },
  { key: 'line', title: 'where', doc: 'file and line' },
  { key: 'self', title: 'own time', doc: 'time that was not spent in spans inside' },
  { key: 'total', title: 'total', doc: 'time from begin to end' },
  { key: 'count', title: 'count', doc: 'how many spans' },
  { key: 'median', title: 'median', doc: 'half of the spans took less' },
  { key: 'p99', title: 'p99', doc: '99 of 100 spans took less' },
  { key: 'most', title: 'longest', doc: 'the longest span' },
  { key: 'bytes', title: 'memory', doc: 'bytes moved a second' },
  { key: 'flops', title: 'speed', doc: 'floating-point operations a second' },
]

function holds(sites: Sites, i: number, text: string): boolean {
  return [sites.name[i], sites.file[i], sites.function[i], sites.text[i]].some(s => s.toLowerCase().includes(text))
}

// Every place that spans come from, with its figures. Click a head to sort, a row to light it up.
export function SitesView() {
  const key = useSignal<Key>('self')
  const up = useSignal(false)
  const filter = useSignal('')
  const order = useComputed(() => {
    const sites = loaded.value?.sites
    if (!sites) return []
    const text = filter.value.toLowerCase()
    const rows = sites.name.map((_, i) => i).filter(i => sites.count[i] > 0 && (!text || holds(sites, i, text)))
    const column = sites[key.value]
    const sign = up.value ? 1 : -1
    return rows.sort((a, b) => {
      const [x, y] = [column[a], column[b]]
      return (x < y ? -1 : x > y ? 1 : 0) * sign || a - b
    })
  })
  const now = loaded.value
  if (!now) return null
  const { sites } = now
  const all = sites.self.reduce((sum, ns) => sum + ns, 0) || 1
  const sortBy = (next: Key) => {
    up.value = key.value === next ? !up.value : next === 'name' || next === 'line'
    key.value = next
  }
  return (
    <div class="fill">
      <div class="bar">
        <input type="search" placeholder="filter sites" aria-label="filter sites" value={filter.value}
          onInput={event => (filter.value = event.currentTarget.value)} />
        <span class="faint">
          {count(order.value.length)} sites{order.value.length > mostRows ? `; the first ${mostRows} are shown` : ''}
        </span>
      </div>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              {columns.map(c => (
                <th key={c.key} title={c.doc} aria-sort={key.value === c.key ? (up.value ? 'ascending' : 'descending') : 'none'}>
                  <button onClick={() => sortBy(c.key)}>{c.title}{key.value === c.key ? (up.value ? ' ▲' : ' ▼') : ''}</button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {order.value.slice(0, mostRows).map(i => (
              <tr key={i} tabIndex={0} class={litSites.value.has(i) ? 'lit' : ''} data-site={i}
                onClick={() => select({ kind: 'sites', sites: [i] })}
                onKeyDown={event => event.key === 'Enter' && select({ kind: 'sites', sites: [i] })}>
                <td title={sites.text[i]}>
                  <i class="swatch" style={{ background: colours.value[i] }} />
                  {sites.name[i] || sites.text[i] || 'unnamed'}
                  {sites.text[i] && <code class="faint"> {sites.text[i]}</code>}
                </td>
                <td class="faint">{sites.line[i] > 0 ? `${sites.file[i].split('/').pop()}:${sites.line[i]}` : '-'}</td>
                <td class="n share" style={{ '--share': `${(100 * sites.self[i]) / all}%` }} title={percent(sites.self[i] / all)}>
                  {duration(sites.self[i])}
                </td>
                <td class="n">{duration(sites.total[i])}</td>
                <td class="n">{count(sites.count[i])}</td>
                <td class="n">{duration(sites.median[i])}</td>
                <td class="n">{duration(sites.p99[i])}</td>
                <td class="n">{duration(sites.most[i])}</td>
                <td class="n">{sites.bytes[i] ? `${bytes(sites.bytes[i] / (sites.total[i] / 1e9))}/s` : '-'}</td>
                <td class="n">{rate(sites.flops[i] / (sites.total[i] / 1e9), 'F/s')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  )
}
