import type { TaskRow } from '../api/types'
import { largest } from '../base/largest'
import { bytes, count, duration, percent, rate } from '../base/units'
import { focusSpan, focusTask, litSites, loaded, selection, selectSpan } from '../model/state'
import { report, useSource } from './context'
import { colours } from './colours'

// All that is known of what is selected; dependencies lead on (keys [ and ]).
export function DetailsView() {
  const source = useSource()
  const now = loaded.value
  if (!now) return null
  const span = focusSpan.value
  const task = focusTask.value
  if (selection.value.kind === 'none') return <Overview />
  const site = span?.site ?? [...litSites.value][0]
  if (site === undefined) return <p class="empty">Nothing that ran belongs to this selection.</p>
  const { sites, summary } = now
  const facts: [string, string][] = [
    ['site', sites.name[site] ?? 'unknown'],
    ['PhySL', sites.text[site] || '-'],
    ['where', sites.line[site] > 0 ? `${sites.file[site].split('/').slice(-2).join('/')}:${sites.line[site]}:${sites.column[site]}` : '-'],
    ['function', sites.function[site] || '-'],
  ]
  if (span) {
    facts.push(
      ['took', duration(span.end - span.begin)], ['began', duration(span.begin)],
      ['thread', summary.tracks.find(t => t.thread === span.thread)?.name ?? '-'])
    if (span.bytes) facts.push(['moved', bytes(span.bytes)])
  } else {
    facts.push(
      ['spans', count(sites.count[site])], ['own time', duration(sites.self[site])], ['median', duration(sites.median[site])])
  }
  if (task) {
    facts.push(
      ['task', String(task.id)], ['waited', task.ready >= 0 && task.begin >= 0 ? duration(task.begin - task.ready) : '-'],
      ['slack', duration(task.slack)], ['moved', bytes(task.bytes)],
      ['speed', rate(task.flops / (task.busy / 1e9), 'F/s')])
  }
  return (
    <div class="scroll details">
      <dl>{facts.map(([name, value]) => [<dt key={name}>{name}</dt>, <dd>{value}</dd>])}</dl>
      {task && <Others title="waited for" rows={task.before} go={s => selectSpan(source, s, true).catch(report)} />}
      {task && <Others title="waited for by" rows={task.after} go={s => selectSpan(source, s, true).catch(report)} />}
    </div>
  )
}

function Others({ title, rows, go }: { readonly title: string; readonly rows: readonly TaskRow[]; readonly go: (span: number) => void }) {
  const { sites } = loaded.value!
  return (
    <section>
      <h2>{title} {rows.length === 0 ? 'nothing' : count(rows.length)}</h2>
      {rows.slice(0, 50).map(row => (
        <button class="other" key={row.task} onClick={() => go(row.span ?? -1)}>
          <i class="swatch" style={{ background: colours.value[row.site] }} />
          {sites.name[row.site] ?? 'unknown'} <span class="faint">{duration(row.end - row.begin)}{row.handed ? `, ${bytes(row.handed)} handed over` : ''}</span>
        </button>
      ))}
    </section>
  )
}

// Nothing is selected: what the run was.
function Overview() {
  const { summary, sites } = loaded.value!
  const working = sites.self.map((ns, i) => (sites.category[i] === 'wait' ? 0 : ns))
  const own = working.reduce((sum, ns) => sum + ns, 0)
  const heaviest = working.indexOf(largest(working, 0))
  const facts: [string, string][] = [
    ['file', summary.path.split('/').pop() ?? ''], ['length', duration(summary.length)], ['spans', count(summary.spans)],
    ['tasks', `${count(summary.tasks)}, ${count(summary.edges)} edges`],
    ...Object.entries(summary.facts),
  ]
  if (summary.dropped > 0) facts.push(['dropped', `${count(summary.dropped)} spans and events found no room`])
  for (const complaint of summary.complaints) facts.push(['damaged', complaint])
  return (
    <div class="scroll details">
      {heaviest >= 0 && own > 0 && (
        <p>Of the time that was not waiting, most, {percent(sites.self[heaviest] / own)}, went into <b>{sites.name[heaviest]}</b>
          {sites.line[heaviest] > 0 ? `, line ${sites.line[heaviest]}` : ''}.</p>
      )}
      <dl>{facts.map(([name, value]) => [<dt>{name}</dt>, <dd>{value}</dd>])}</dl>
    </div>
  )
}
