import { useComputed, useSignal } from '@preact/signals'
import { bytes, count, duration, percent, rate } from '../base/units'
import { litSites, loaded, optionOf, options, select, setOption } from '../model/state'
import { type Pivot, pivot, pivots, type SiteRow } from '../model/pivot'
import { colours } from './colours'
import { Choice, pressing } from './widgets'

const mostRows = 300

type Key = Exclude<keyof SiteRow, 'sites'>
const columns: readonly { readonly key: Key; readonly title: string; readonly doc: string }[] = [
  { key: 'name', title: 'site', doc: 'what ran' },
  { key: 'where', title: 'where', doc: 'file and line' },
  { key: 'self', title: 'own time', doc: 'time that was not spent in spans inside' },
  { key: 'total', title: 'total', doc: 'time from begin to end' },
  { key: 'count', title: 'count', doc: 'how many spans' },
  { key: 'median', title: 'median', doc: 'half of the spans took less' },
  { key: 'p99', title: 'p99', doc: '99 of 100 spans took less' },
  { key: 'most', title: 'longest', doc: 'the longest span' },
  { key: 'bytes', title: 'memory', doc: 'bytes moved a second' },
  { key: 'flops', title: 'speed', doc: 'floating-point operations a second' },
]
const groups: Readonly<Record<Pivot, string>> = { site: 'site', name: 'name', line: 'line', file: 'file', function: 'function', category: 'kind' }

// Every place that spans come from, with its figures; or those that have something in common, together. Click a
// head to sort, a row to light it up.
export function SitesView() {
  const key = useSignal<Key>('self')
  const up = useSignal(false)
  const rows = useComputed(() => {
    const sites = loaded.value?.sites
    if (!sites) return []
    const text = (options.value['sites.filter'] ?? '').toLowerCase()
    const holds = (i: number) => !text || [sites.name[i], sites.file[i], sites.function[i], sites.text[i]].some(s => s.toLowerCase().includes(text))
    const sign = up.value ? 1 : -1
    return [...pivot(sites, optionOf('sites.by', pivots), holds)].sort((a, b) => {
      const [x, y] = [a[key.value], b[key.value]]
      return (x < y ? -1 : x > y ? 1 : 0) * sign || a.sites[0] - b.sites[0]
    })
  })
  const now = loaded.value
  if (!now) return null
  const { sites } = now
  const by = optionOf('sites.by', pivots)
  const all = sites.self.reduce((sum, ns) => sum + ns, 0) || 1
  const sortBy = (next: Key) => {
    up.value = key.value === next ? !up.value : next === 'name' || next === 'where'
    key.value = next
  }
  return (
    <div class="fill">
      <div class="bar">
        <input type="search" placeholder="filter sites" aria-label="filter sites" value={options.value['sites.filter'] ?? ''}
          onInput={event => setOption('sites.filter', event.currentTarget.value)} />
        <Choice label="by" table={groups} value={by} set={to => setOption('sites.by', to)} />
        <span class="faint">
          {count(rows.value.length)} {by === 'site' ? 'sites' : 'groups'}{rows.value.length > mostRows ? `; the first ${mostRows} are shown` : ''}
        </span>
      </div>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              {columns.map(c => (
                <th key={c.key} scope="col" title={c.doc} aria-sort={key.value === c.key ? (up.value ? 'ascending' : 'descending') : 'none'}>
                  <button onClick={() => sortBy(c.key)}>{c.title}{key.value === c.key ? (up.value ? ' ▲' : ' ▼') : ''}</button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.value.slice(0, mostRows).map(row => <Row key={row.sites[0]} row={row} all={all} />)}
          </tbody>
        </table>
      </div>
    </div>
  )
}

function Row({ row, all }: { readonly row: SiteRow; readonly all: number }) {
  const { sites } = loaded.value!
  const [first] = row.sites
  const alone = row.sites.length === 1
  const seconds = row.total / 1e9
  return (
    <tr class={row.sites.some(i => litSites.value.has(i)) ? 'lit' : ''} data-site={first} {...pressing(() => select({ kind: 'sites', sites: row.sites }))}>
      <td title={alone ? sites.text[first] : row.name}>
        <i class="swatch" style={{ background: colours.value[first] }} />
        {row.name}
        {alone && sites.text[first] && <code class="faint"> {sites.text[first]}</code>}
      </td>
      <td class="faint">{row.where}</td>
      <td class="n share" style={{ '--share': `${(100 * row.self) / all}%` }} title={percent(row.self / all)}>{duration(row.self)}</td>
      <td class="n">{duration(row.total)}</td>
      <td class="n">{count(row.count)}</td>
      <td class="n">{duration(row.median)}</td>
      <td class="n">{duration(row.p99)}</td>
      <td class="n">{duration(row.most)}</td>
      <td class="n">{row.bytes ? `${bytes(row.bytes / seconds)}/s` : '-'}</td>
      <td class="n">{rate(row.flops / seconds, 'F/s')}</td>
    </tr>
  )
}
