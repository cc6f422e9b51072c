// The traces that are served: to open one, to add one from this computer, to remove one.
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { type ListedTrace, Problem, type Source } from '../api/types'
import { ago, bytes, percent } from '../base/units'
import { showNothing, traceId, traces } from '../model/state'
import { report } from '../views/context'

// What was refused, or broke off: a sentence beside what was wanted.
const problemOf = (error: unknown) =>
  error instanceof Problem ? error : new Problem(0, String((error as Error)?.message ?? error))

interface Props {
  readonly source: Source
  readonly openTrace: (id: string) => void
}

// A button that lets the user pick a file, and sends it.
export function AddTrace({ source, openTrace }: Props) {
  const input = useRef<HTMLInputElement>(null)
  const sending = useSignal<{ readonly name: string; readonly share: number } | null>(null)
  const problem = useSignal<Problem | null>(null)
  const send = async (file: File) => {
    problem.value = null
    sending.value = { name: file.name, share: 0 }
    try {
      const { id } = await source.keep!.add(file, share => (sending.value = { name: file.name, share }))
      traces.value = await source.list()
      openTrace(id)
    } catch (error) {
      problem.value = problemOf(error)
    } finally {
      sending.value = null
    }
  }
  return (
    <div class="add-trace">
      <input ref={input} type="file" accept=".jlt" hidden aria-label="a trace file of this computer"
        onChange={event => {
          const [file] = event.currentTarget.files ?? []
          event.currentTarget.value = '' // so that the same file can be picked again
          if (file) void send(file)
        }} />
      <button class="plain" disabled={sending.value !== null} onClick={() => input.current!.click()}>add a trace file…</button>
      {sending.value && <span role="status"> {sending.value.name}: {percent(sending.value.share)} sent</span>}
      {problem.value && <Refusal problem={problem.value} />}
    </div>
  )
}

function Refusal({ problem }: { readonly problem: Problem }) {
  return <p class="refused" role="alert"><b>{problem.message}</b> {problem.hint}</p>
}

function Row({ trace, remove, open }: { readonly trace: ListedTrace; readonly remove: () => void; readonly open: () => void }) {
  const asked = useSignal(false)
  return (
    <tr data-trace={trace.id} aria-current={trace.id === traceId.value}>
      <td><button class="name" onClick={open}>{trace.name}</button></td>
      <td class="size">{bytes(trace.bytes)}</td>
      <td class="faint">{ago(trace.changed / 1e6)}</td>
      <td>
        {asked.value ? (
          <>
            <button class="plain" onClick={remove}>remove its file</button>{' '}
            <button onClick={() => (asked.value = false)}>keep it</button>
          </>
        ) : <button aria-label={`remove ${trace.name}`} onClick={() => (asked.value = true)}>remove…</button>}
      </td>
    </tr>
  )
}

export function Keep({ source, openTrace, leave }: Props & { readonly leave: () => void }) {
  const problem = useSignal<Problem | null>(null)
  const dialog = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null
    dialog.current?.focus()
    source.list().then(found => (traces.value = found), report)
    return () => before?.focus()
  }, [])
  const open = (id: string) => {
    leave()
    if (id !== traceId.value) openTrace(id)
  }
  const remove = async (id: string) => {
    problem.value = null
    const isShown = id === traceId.value
    if (isShown) showNothing() // before it is gone: nothing that is under way may say so
    let next = ''
    try {
      await source.keep!.remove(id)
    } catch (error) {
      problem.value = problemOf(error)
      next = id
    }
    traces.value = await source.list().catch(() => traces.value)
    next ||= traces.value[0]?.id ?? ''
    if (isShown && next) openTrace(next)
  }
  return (
    <div class="help" role="dialog" aria-modal="true" aria-label="traces"
      onPointerDown={event => event.target === event.currentTarget && leave()}>
      <div class="keep" tabIndex={-1} ref={dialog}>
        <h2>Traces</h2>
        {traces.value.length === 0 && <p class="faint">There is none in the folder that is served.</p>}
        <table>
          <tbody>
            {traces.value.map(t => <Row key={t.id} trace={t} open={() => open(t.id)} remove={() => void remove(t.id)} />)}
          </tbody>
        </table>
        {problem.value && <Refusal problem={problem.value} />}
        <AddTrace source={source} openTrace={open} />
      </div>
    </div>
  )
}
