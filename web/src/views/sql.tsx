import { useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import type { SqlAnswer } from '../api/types'
import { Problem } from '../api/types'
import { count, digits, duration } from '../base/units'
import { litSites, loaded, options, select, selection, selectSpan, setOption, traceId } from '../model/state'
import { report, useAnswer, useSource } from './context'
import { pressing } from './widgets'

const examples: readonly (readonly [string, string])[] = [
  ['slowest spans', 'SELECT number AS span, name, duration FROM spans ORDER BY duration DESC LIMIT 50'],
  ['time by name', 'SELECT name, count(*) AS spans, sum(duration) AS duration FROM spans GROUP BY name ORDER BY duration DESC'],
  ['longest waits of tasks', 'SELECT number AS task, name, begin - ready AS duration FROM tasks WHERE ready IS NOT NULL ORDER BY duration DESC LIMIT 50'],
  ['busy time of threads', 'SELECT t.name, sum(s.duration) AS duration FROM spans s JOIN threads t ON t.number = s.thread WHERE s.parent IS NULL GROUP BY t.number'],
]
const times = new Set(['duration', 'begin', 'end', 'time', 'total', 'self', 'busy', 'slack', 'ready', 'created', 'least', 'median', 'p99', 'most'])

// The trace as tables: what no view shows can be asked. Columns named span, site, tree or task lead back.
export function SqlView() {
  const source = useSource()
  const input = useRef<HTMLTextAreaElement>(null)
  const answer = useSignal<SqlAnswer | null>(null)
  const refused = useSignal<Problem | null>(null)
  const isAsking = useSignal(false)
  const tables = useAnswer(() => (loaded.value && source.sql ? source.sql.tables(traceId.value) : null))
  if (!loaded.value) return null
  if (!source.sql) return <p class="empty">A file holds no database: <code>jetlag view run.jlt</code> answers in SQL.</p>
  const text = options.value['sql.text'] ?? examples[0][1]
  const ask = async (question: string) => {
    setOption('sql.text', question)
    isAsking.value = true
    try {
      answer.value = await source.sql!.ask(traceId.value, question)
      refused.value = null
    } catch (error) {
      refused.value = error instanceof Problem ? error : new Problem(0, String(error))
    }
    isAsking.value = false
  }
  return (
    <div class="fill">
      <form class="bar sql" onSubmit={event => {
        event.preventDefault()
        void ask(input.current!.value)
      }}>
        <textarea ref={input} rows={2} aria-label="a question in SQL" spellcheck={false} key={text} defaultValue={text}
          onKeyDown={event => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void ask(event.currentTarget.value)
          }} />
        <button class="plain" type="submit" title="Ctrl Enter">ask</button>
        <select aria-label="examples" value="" onChange={event => void ask(event.currentTarget.value)}>
          <option value="">examples…</option>
          {examples.map(([name, sql]) => <option key={name} value={sql}>{name}</option>)}
        </select>
      </form>
      {refused.value && <p class="refused" role="alert">{refused.value.message}{refused.value.hint ? `: ${refused.value.hint}` : ''}</p>}
      <div class="scroll">
        {isAsking.value && <p class="faint note">Asking…</p>}
        {answer.value ? <Answer answer={answer.value} /> : (
          <dl class="tables">
            {tables.value?.map(t => [
              <dt key={t.name}><code>{t.name}</code> <span class="faint">{count(t.rows)}</span></dt>,
              <dd>{t.columns.map(c => <code key={c.name} title={c.doc}>{c.name} </code>)}</dd>])}
          </dl>
        )}
      </div>
    </div>
  )
}

function Answer({ answer }: { readonly answer: SqlAnswer }) {
  const source = useSource()
  const act = (row: readonly (string | number | null)[]) => {
    const of = (name: string) => {
      const value = row[answer.columns.indexOf(name)]
      return typeof value === 'number' ? value : undefined
    }
    const [span, task, tree, site] = ['span', 'task', 'tree', 'site'].map(of)
    if (span !== undefined) selectSpan(source, span, true).catch(report)
    else if (task !== undefined) source.task(traceId.value, task).then(t => selectSpan(source, t.span ?? -1, true)).catch(report)
    else if (tree !== undefined) select({ kind: 'tree', tree })
    else if (site !== undefined) select({ kind: 'sites', sites: [site] })
  }
  const isLit = (row: readonly (string | number | null)[]) => {
    const at = (name: string) => row[answer.columns.indexOf(name)]
    const span = selection.value.kind === 'span' ? selection.value.span : -1
    return at('span') === span || (answer.columns.includes('site') && litSites.value.has(Number(at('site'))))
  }
  const leads = ['span', 'task', 'tree', 'site'].some(name => answer.columns.includes(name))
  const shown = (value: string | number | null, column: string) =>
    value === null ? '-' : typeof value === 'string' ? value : times.has(column) ? duration(value) : Number.isInteger(value) ? count(value) : digits(value)
  return (
    <>
      <table>
        <thead><tr>{answer.columns.map(c => <th key={c} scope="col">{c}</th>)}</tr></thead>
        <tbody>
          {answer.rows.map((row, i) => (
            <tr key={i} class={isLit(row) ? 'lit' : ''} {...(leads ? pressing(() => act(row)) : {})}>
              {row.map((value, c) => <td key={c} class={typeof value === 'number' ? 'n' : ''} title={String(value ?? '')}>{shown(value, answer.columns[c])}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
      <p class="faint note">{count(answer.rows.length)} rows{answer.more ? ', and more' : ''} in {duration(answer.took)}</p>
    </>
  )
}
