import { useComputed } from '@preact/signals'
import { duration } from '../base/units'
import { litSites, loaded, otherId, select, traceId, traces } from '../model/state'
import { align } from '../model/compare'
import { useAnswer, useSource } from './context'
import { colours } from './colours'
import { pressing } from './widgets'

const mostRows = 300

// Another run beside this one, site by site; what changed most stands first.
export function CompareView() {
  const source = useSource()
  const other = useAnswer(() => (otherId.value && otherId.value !== traceId.value ? source.sites(otherId.value) : null))
  const rows = useComputed(() => {
    const mine = loaded.value?.sites
    const theirs = other.value
    if (!mine || !theirs) return []
    return align(mine, theirs)
      .map(pair => {
        const before = pair.other >= 0 ? theirs.self[pair.other] : 0
        const now = pair.mine >= 0 ? mine.self[pair.mine] : 0
        return { ...pair, before, now, change: now - before }
      })
      .sort((a, b) => Math.abs(b.change) - Math.abs(a.change))
  })
  const now = loaded.value
  if (!now) return null
  const choices = traces.value.filter(t => t.id !== traceId.value)
  if (choices.length === 0) {
    return <p class="empty">No other trace is served: <code>jetlag serve</code> takes folders, and several files.</p>
  }
  const sum = (key: 'before' | 'now') => rows.value.reduce((all, row) => all + row[key], 0)
  return (
    <div class="fill">
      <div class="bar">
        <label>
          beside{' '}
          <select value={otherId.value} onChange={event => (otherId.value = event.currentTarget.value)}>
            <option value="">another run…</option>
            {choices.map(t => <option key={t.id} value={t.id}>{t.name}</option>)}
          </select>
        </label>
        {rows.value.length > 0 && (
          <span class="faint">own time of all sites: {duration(sum('now'))} here, {duration(sum('before'))} there</span>
        )}
      </div>
      <div class="scroll">
        {rows.value.length > 0 && (
          <table>
            <thead><tr><th>site</th><th>where</th><th>own time here</th><th>there</th><th>change</th></tr></thead>
            <tbody>
              {rows.value.slice(0, mostRows).map(row => {
                const [from, i] = row.mine >= 0 ? [now.sites, row.mine] : [other.value!, row.other]
                return (
                  <tr key={`${row.mine} ${row.other}`} data-site={row.mine >= 0 ? row.mine : undefined} class={row.mine >= 0 && litSites.value.has(row.mine) ? 'lit' : ''}
                    {...pressing(() => row.mine >= 0 && select({ kind: 'sites', sites: [row.mine] }))}>
                    <td>
                      <i class="swatch" style={{ background: row.mine >= 0 ? colours.value[row.mine] : undefined }} />
                      {from.name[i] || 'unnamed'} <code class="faint">{from.text[i]}</code>
                    </td>
                    <td class="faint">{from.line[i] > 0 ? `${from.file[i].split('/').pop()}:${from.line[i]}` : '-'}</td>
                    <td class="n">{row.mine >= 0 ? duration(row.now) : '-'}</td>
                    <td class="n">{row.other >= 0 ? duration(row.before) : '-'}</td>
                    <td class={`n ${row.change > 0 ? 'slower' : 'faster'}`}>
                      {row.change > 0 ? '▲ ' : row.change < 0 ? '▼ ' : ''}{duration(Math.abs(row.change))}
                      {row.mine >= 0 && row.before > 0 ? `, × ${(row.now / row.before).toFixed(2)}` : ''}
                    </td>
                  </tr>
                )
              })}
            </tbody>
          </table>
        )}
      </div>
    </div>
  )
}
