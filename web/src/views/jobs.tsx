import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { Job, JobSource } from '../api/types'
import { Problem } from '../api/types'
import { ago, percent } from '../base/units'
import { options, optionOf, setOption, visit } from '../model/state'
import { useSource } from './context'
import { Choice, pressing } from './widgets'

const pause = 1500 // milliseconds between two looks at a log
const states = {
  '': 'any', pending: 'pending', staging: 'staging', submitting: 'submitting', queued: 'queued', running: 'running', fetching: 'fetching',
  finished: 'finished', failed: 'failed', cancelled: 'cancelled',
} as const
const logs = { stdout: 'stdout', stderr: 'stderr', progress: 'progress', 'script.log': 'script' } as const

// Jobs of this user on all machines, as they are now. Click one for its log; its traces open in this page.
export function JobsView() {
  const source = useSource()
  if (!source.jobs) return <p class="empty">A file knows no jobs: <code>jetlag serve</code> shows them.</p>
  return <Jobs from={source.jobs} />
}

function Jobs({ from }: { readonly from: JobSource }) {
  const jobs = useSignal<readonly Job[] | null>(null)
  const refused = useSignal<Problem | null>(null)
  const isKept = useSignal(true)
  const state = optionOf('jobs.state', Object.keys(states) as (keyof typeof states)[])
  const text = options.value['jobs.text'] ?? ''
  const chosen = options.value['jobs.job'] ?? ''
  useEffect(() => {
    let ends = false
    let timer = 0
    const refuse = (error: unknown) => {
      if (!ends) refused.value = error instanceof Problem ? error : new Problem(0, String(error))
    }
    const look = async () => {
      try {
        isKept.value = await from.isKept()
        if (!isKept.value) return
        const answer = await from.list({ state: state || undefined, text: text || undefined })
        if (ends) return
        jobs.value = answer
        refused.value = null
        // What a job says of its progress makes no event.
        clearTimeout(timer)
        if (answer.some(job => job.state === 'running')) timer = window.setTimeout(look, pause)
      } catch (error) {
        refuse(error)
      }
    }
    let stop = () => {}
    void look().then(() => {
      if (isKept.value && !ends) stop = from.follow(look, refuse)
    })
    return () => {
      ends = true
      clearTimeout(timer)
      stop()
    }
  }, [state, text])
  if (refused.value) return <p class="empty">{refused.value.message}{refused.value.hint ? `: ${refused.value.hint}` : ''}</p>
  if (!isKept.value) return <p class="empty">This server keeps no jobs: <code>jetlag serve</code> without <code>--no-jobs</code> does, unless another process has them.</p>
  if (!jobs.value) return <p class="empty">Asking for jobs…</p>
  const job = jobs.value.find(j => j.id === chosen)
  return (
    <div class="fill">
      <div class="bar">
        <Choice label="state" table={states} value={state} set={to => setOption('jobs.state', to)} />
        <input type="search" placeholder="filter jobs" aria-label="filter jobs" value={text} onInput={event => setOption('jobs.text', event.currentTarget.value)} />
        <span class="faint">{jobs.value.length} jobs</span>
      </div>
      {jobs.value.length === 0 ? <p class="empty">{state || text ? 'No job fits this.' : <>No job yet: <code>jl.run(fit, x, y, on="local")</code> asks for one.</>}</p> : (
        <div class={`scroll${job ? ' half' : ''}`}>
          <table>
            <thead><tr>{['job', 'state', 'machine', 'attempt', 'since', 'why'].map(t => <th key={t} scope="col">{t}</th>)}</tr></thead>
            <tbody>
              {jobs.value.map(j => (
                <tr key={j.id} class={j.id === chosen ? 'lit' : ''} data-job={j.id} {...pressing(() => setOption('jobs.job', j.id === chosen ? '' : j.id))}>
                  <td><span class="faint">{j.number}</span> {j.name || j.command.join(' ')}</td>
                  <td><span class={`state ${j.state}`}>{j.state}</span>{progressText(j)}</td>
                  <td class="n">{j.machine}{j.host ? ` (${j.host})` : ''}</td>
                  <td class="n">{j.attempt}/{j.attempts}</td>
                  <td class="n">{ago(1000 * (j.ended || j.started || j.created))}</td>
                  <td class="why" title={j.reason}>{j.reason || '-'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {job && <OneJob key={job.id} job={job} from={from} />}
    </div>
  )
}

function progressText(job: Job): string {
  const { done, total, text } = job.progress ?? {}
  const share = done !== undefined && total ? ` ${percent(done / total)}` : ''
  return share + (text ? ` ${text}` : '')
}

function OneJob({ job, from }: { readonly job: Job; readonly from: JobSource }) {
  const log = useSignal('')
  const said = useSignal('')
  const end = useRef<HTMLPreElement>(null)
  const name = optionOf('jobs.log', Object.keys(logs) as (keyof typeof logs)[])
  useEffect(() => {
    let ends = false
    let timer = 0
    log.value = ''
    const look = async () => {
      // Bytes, not letters: the server counts from where it stopped.
      const more = await from.log(job.id, name, new TextEncoder().encode(log.value).length).catch(() => '')
      if (ends) return
      if (more) log.value += more
      if (more && end.current) end.current.scrollTop = end.current.scrollHeight
      if (!job.final || more) timer = window.setTimeout(look, pause)
    }
    void look()
    return () => {
      ends = true
      clearTimeout(timer)
    }
  }, [job.id, name, job.final])
  const cancel = () => from.cancel(job.id).then(() => (said.value = 'asked to stop'), error => (said.value = String(error.message)))
  return (
    <section class="one-job" aria-label={`job ${job.number}`}>
      <div class="bar">
        <b>{job.name || job.id}</b>
        {job.exit_code !== null && <span class="faint">exit code {job.exit_code}</span>}
        <Choice label="log" table={logs} value={name} set={to => setOption('jobs.log', to)} />
        {!job.final && <button class="plain" onClick={cancel}>cancel</button>}
        {job.trace && <button class="plain" onClick={() => visit.value?.(job.trace!)}>open trace</button>}
        <span class="faint">{said.value}</span>
      </div>
      <pre ref={end} tabIndex={0} aria-label={`${name} of the job`}>{log.value || `(nothing in ${name})`}</pre>
    </section>
  )
}
