// The page: puts the views together, keeps the address, answers keys.
import { batch, effect, useSignal } from '@preact/signals'
import { render } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import 'uplot/dist/uPlot.min.css'
import './app.css'
import { embeddedSource } from './api/embedded'
import { httpSource } from './api/http'
import { Problem, type Source } from './api/types'
import { duration } from './base/units'
import {
  critical, focusSpan, focusTask, helping, loaded, lookAtSelection, lower, type LowerView, marked, otherId, pan, readView,
  searching, select, selection, selectSpan, show, side, type SideView, theme, traceId, traces, trouble, viewText, visible,
  waitingFor, whole, zoom,
} from './model/state'
import { nothing } from './model/selection'
import { report, SourceContext } from './views/context'
import { colours, Gantt } from './views/gantt'
import { Strip } from './views/strip'
import { lowerTable, sideTable, type ViewRow } from './views'

async function load(source: Source, id: string, keep: boolean): Promise<void> {
  waitingFor.value = loaded.value ? '' : 'Reading the trace…'
  try {
    const summary = await source.summary(id)
    const [sites, tree, points] = await Promise.all([source.sites(id), source.tree(id), source.points(id)])
    batch(() => {
      const before = loaded.value
      const all = before && whole(before.summary)
      const sawAll = !before || (visible.value.begin <= all!.begin && visible.value.end >= all!.end)
      loaded.value = { summary, sites, tree, points }
      critical.value = null
      trouble.value = null
      if (!keep || sawAll) visible.value = whole(summary)
    })
  } finally {
    waitingFor.value = ''
  }
}

// The view that the address says; then the address follows the view.
async function start(source: Source): Promise<void> {
  const view = readView(location.hash)
  batch(() => {
    side.value = view.side
    lower.value = view.lower
    theme.value = view.theme
    otherId.value = view.other
  })
  traces.value = await source.list()
  const wanted = view.trace || traces.value[0]?.id || ''
  if (!wanted) return
  traceId.value = wanted
  await load(source, wanted, false)
  batch(() => {
    if (view.time) show(view.time)
    selection.value = view.selection
    marked.value = view.mark
  })
  await lookAtSelection(source)
}

function keepAddress(): void {
  let timer = 0
  effect(() => {
    const text = viewText()
    clearTimeout(timer)
    timer = setTimeout(() => {
      if (loaded.value && location.hash !== `#${text}`) history.replaceState(null, '', `#${text}`)
    }, 150)
  })
}

// The next task along the dependencies of the selected one.
function along(source: Source, forward: boolean): void {
  const task = focusTask.value
  const next = (forward ? task?.after : task?.before)?.[0]
  if (next?.span !== undefined) selectSpan(source, next.span, true).catch(report)
}

function fit(): void {
  const now = loaded.value
  if (!now) return
  const span = focusSpan.value
  const range = marked.value ?? (span && { begin: span.begin, end: span.end })
  if (!range) {
    visible.value = whole(now.summary)
    return
  }
  const room = marked.value ? 0 : (range.end - range.begin) * 0.3
  const wanted = { begin: range.begin - room, end: range.end + room }
  const isThere = Math.abs(visible.value.begin - wanted.begin) < 1 && Math.abs(visible.value.end - wanted.end) < 1
  if (isThere) visible.value = whole(now.summary)
  else show(wanted)
}

interface Key {
  readonly keys: readonly string[]
  readonly doc: string
  readonly act: (source: Source) => void
}

const keys: readonly Key[] = [
  { keys: ['w', 'ArrowUp'], doc: 'look closer', act: () => zoom(0.7) },
  { keys: ['s', 'ArrowDown'], doc: 'look from farther away', act: () => zoom(1 / 0.7) },
  { keys: ['a', 'ArrowLeft'], doc: 'go left', act: () => pan(-0.2) },
  { keys: ['d', 'ArrowRight'], doc: 'go right', act: () => pan(0.2) },
  { keys: ['f'], doc: 'look at what is marked or selected; again: at all', act: fit },
  { keys: ['['], doc: 'go to what the task waited for', act: source => along(source, false) },
  { keys: [']'], doc: 'go to what waited for the task', act: source => along(source, true) },
  { keys: ['m'], doc: 'mark the time of the selected span', act: () => {
    const span = focusSpan.value
    if (span) marked.value = { begin: span.begin, end: span.end }
  } },
  { keys: ['/'], doc: 'search', act: () => document.querySelector<HTMLInputElement>('.search input')?.focus() },
  { keys: ['t'], doc: 'light or dark', act: () => (theme.value = isDark() ? 'light' : 'dark') },
  { keys: ['?'], doc: 'show the keys', act: () => (helping.value = !helping.value) },
  { keys: ['Escape'], doc: 'select nothing', act: () => {
    if (helping.value) helping.value = false
    else if (marked.value) marked.value = null
    else select(nothing)
  } },
  ...[...sideTable, ...lowerTable].map((row, i): Key => ({
    keys: [String((i + 1) % 10)], doc: `show ${row.title}`, act: () => open(row.name),
  })),
]

function open(name: SideView | LowerView): void {
  const row = sideTable.find(r => r.name === name)
  if (row) side.value = row.name
  else lower.value = name as LowerView
}

function isDark(): boolean {
  return theme.value ? theme.value === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches
}

function Tabs<Name extends SideView | LowerView>({ table, active }: { readonly table: readonly ViewRow<Name>[]; readonly active: Name }) {
  const { view: View, doc, title } = table.find(row => row.name === active)!
  return (
    <section class="panel" aria-label={title}>
      <nav role="tablist">
        {table.map(row => (
          <button key={row.name} role="tab" aria-selected={row.name === active} title={row.doc} onClick={() => open(row.name)}>
            {row.title}
          </button>
        ))}
        <span class="faint hint">{doc}</span>
      </nav>
      <div class="body" role="tabpanel"><View /></div>
    </section>
  )
}

function Search() {
  const at = useSignal(0)
  const input = useRef<HTMLInputElement>(null)
  const now = loaded.value
  const text = searching.value.trim().toLowerCase()
  const found = now && text
    ? now.sites.name.map((_, i) => i)
        .filter(i => [now.sites.name[i], now.sites.text[i], now.sites.file[i], now.sites.function[i]].some(s => s.toLowerCase().includes(text)))
        .sort((a, b) => now.sites.self[b] - now.sites.self[a]).slice(0, 12)
    : []
  const take = (site: number | undefined) => {
    if (site === undefined) return
    select({ kind: 'sites', sites: [site] })
    searching.value = ''
    input.current?.blur()
  }
  return (
    <div class="search">
      <input ref={input} type="search" placeholder="search  /" aria-label="search sites" value={searching.value}
        onInput={event => {
          searching.value = event.currentTarget.value
          at.value = 0
        }}
        onKeyDown={event => {
          if (event.key === 'Enter') take(found[at.value])
          else if (event.key === 'ArrowDown') at.value = Math.min(at.value + 1, found.length - 1)
          else if (event.key === 'ArrowUp') at.value = Math.max(at.value - 1, 0)
          else if (event.key === 'Escape') {
            searching.value = ''
            input.current?.blur()
          } else return
          event.preventDefault()
        }} />
      {text && (
        <div class="found" role="listbox">
          {found.map((i, k) => (
            <button key={i} role="option" aria-selected={k === at.value} onPointerDown={() => take(i)}>
              <i class="swatch" style={{ background: colours.value[i] }} />
              {now!.sites.name[i] || 'unnamed'} <code class="faint">{now!.sites.text[i]}</code>
              <span class="faint"> {duration(now!.sites.self[i])}</span>
            </button>
          ))}
          {found.length === 0 && <p class="faint">No site has “{searching.value}” in its name, text, file or function.</p>}
        </div>
      )}
    </div>
  )
}

function Help() {
  return (
    <div class="help" role="dialog" aria-label="keys" onClick={() => (helping.value = false)}>
      <div>
        <h2>Keys</h2>
        <dl>
          {keys.map(k => [<dt>{k.keys.map(name => <kbd>{name.replace('Arrow', '')}</kbd>)}</dt>, <dd>{k.doc}</dd>])}
        </dl>
        <p>Wheel: scroll, or with Ctrl zoom at the pointer. Drag: mark a time; with Shift: move. Click: select, in any view;
          all others follow. Double-click: look at one span. The address holds the whole view.</p>
        <p>In the chart, height is busy time, colour the site with the most of it: nothing vanishes when you look from far away.</p>
      </div>
    </div>
  )
}

function Trouble({ problem }: { readonly problem: Problem }) {
  return (
    <div class="trouble" role="alert">
      <p><b>{problem.message}</b></p>
      {problem.hint && <p>{problem.hint}</p>}
      {loaded.value && <button onClick={() => (trouble.value = null)}>go on with what was read</button>}
    </div>
  )
}

function App({ source }: { readonly source: Source }) {
  useEffect(() => {
    const key = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement
      if (target.matches('input, select, textarea') || event.ctrlKey || event.metaKey || event.altKey) return
      const row = keys.find(k => k.keys.includes(event.key))
      if (!row) return
      event.preventDefault()
      row.act(source)
    }
    addEventListener('keydown', key)
    return () => removeEventListener('keydown', key)
  }, [])
  useEffect(() => effect(() => {
    document.documentElement.dataset.theme = theme.value || (isDark() ? 'dark' : 'light')
  }), [])
  useEffect(() => effect(() => {
    void selection.value
    lookAtSelection(source).catch(report)
  }), [])
  const id = traceId.value
  useEffect(() => {
    if (!id) return
    let told = ''
    return source.follow(
      id,
      live => {
        if (told && told !== live.revision) load(source, id, true).catch(report)
        told = live.revision
      },
      problem => (trouble.value = problem))
  }, [id])
  const now = loaded.value
  return (
    <SourceContext.Provider value={source}>
      <header>
        <b class="logo">jetlag</b>
        {traces.value.length > 0 && (
          <select aria-label="trace" value={id} onChange={event => {
            const next = event.currentTarget.value
            batch(() => {
              loaded.value = null
              selection.value = nothing
              marked.value = null
              traceId.value = next
            })
            load(source, next, false).catch(report)
          }}>
            {traces.value.map(t => <option key={t.id} value={t.id}>{t.name}</option>)}
          </select>
        )}
        {now && (
          <span class="faint">
            {duration(now.summary.length)}{now.summary.closed ? '' : ', not complete'}
            {now.summary.dropped > 0 ? `, ${now.summary.dropped} spans dropped` : ''}
          </span>
        )}
        <span class="room" />
        <span class="faint window">{duration(visible.value.end - visible.value.begin)} in view</span>
        <Search />
        <button title="light or dark (t)" aria-label="light or dark" onClick={() => (theme.value = isDark() ? 'light' : 'dark')}>◐</button>
        <button title="keys (?)" aria-label="keys" onClick={() => (helping.value = true)}>?</button>
      </header>
      {trouble.value && <Trouble problem={trouble.value} />}
      {now ? (
        <main>
          <Strip />
          <Gantt />
          <Tabs table={sideTable} active={side.value} />
          <Tabs table={lowerTable} active={lower.value} />
        </main>
      ) : (
        <div class="waiting">
          {!trouble.value && (waitingFor.value || (id ? '' : (
            <div>
              <h2>No trace yet</h2>
              <p>Record one, in the folder that is served:</p>
              <pre>{'with jl.trace("run.jlt"):\n    fit(x, y)'}</pre>
              <p>then load this page again.</p>
            </div>
          )))}
        </div>
      )}
      {helping.value && <Help />}
    </SourceContext.Provider>
  )
}

// An exported page carries its data; any other asks the server that it came from.
async function findSource(): Promise<Source> {
  const element = document.getElementById('jetlag-trace')
  if (!element) return httpSource()
  const packed = Uint8Array.from(atob(element.textContent!.trim()), c => c.charCodeAt(0))
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate'))
  return embeddedSource(await new Response(stream).json())
}

async function main(): Promise<void> {
  const source = await findSource()
  render(<App source={source} />, document.getElementById('app')!)
  await start(source).catch(report)
  keepAddress()
}

main().catch(error => {
  document.getElementById('app')!.textContent = `The trace in this page cannot be read: ${error}`
})
