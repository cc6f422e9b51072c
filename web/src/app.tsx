// The page: puts the views together, keeps the address, answers keys.
import { batch, effect } from '@preact/signals'
import { render } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import 'uplot/dist/uPlot.min.css'
import './app.css'
import { embeddedSource } from './api/embedded'
import { httpSource } from './api/http'
import { Problem, type Source } from './api/types'
import { duration } from './base/units'
import { Dock } from './dock/dock'
import {
  critical, helping, keeping, layout, loaded, lookAtSelection, marked, options, otherId, palette, readView, selection, show,
  showNothing, theme, touring, traceId, traces, trouble, viewText, visible, visit, waitingFor, whole,
} from './model/state'
import { usual } from './model/layout'
import { commandOf, isDark } from './page/commands'
import { AddTrace, Keep } from './page/keep'
import { sampleTrace } from './page/sample'
import { Help, Palette, Search } from './page/search'
import { Tour } from './page/tour'
import { report, SourceContext } from './views/context'
import { Strip } from './views/strip'

async function load(source: Source, id: string, keep: boolean): Promise<void> {
  waitingFor.value = loaded.value ? '' : 'Reading the trace…'
  try {
    const summary = await source.summary(id)
    const [sites, tree, points] = await Promise.all([source.sites(id), source.tree(id), source.points(id)])
    if (id !== traceId.value) return
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

let address = '' // as it was followed, or written, last

// The view that the address says; then the address follows the view.
async function followAddress(source: Source): Promise<void> {
  address = location.hash
  const view = readView(address)
  batch(() => {
    layout.value = view.layout ?? usual
    options.value = view.options
    theme.value = view.theme
    otherId.value = view.other
  })
  const list = async () => {
    if (!traces.value.length) traces.value = await source.list()
  }
  const known = view.trace || traceId.value // then it need not wait for the list
  if (!known) await list()
  const wanted = known || traces.value[0]?.id || ''
  if (!wanted) return
  const read = async () => {
    if (wanted === traceId.value && loaded.value) return
    if (loaded.value) loaded.value = null
    traceId.value = wanted
    await load(source, wanted, false)
  }
  await Promise.all([list(), read()])
  batch(() => {
    if (!view.time && loaded.value) visible.value = whole(loaded.value.summary)
    if (view.time) show(view.time)
    selection.value = view.selection
    marked.value = view.mark
  })
  await lookAtSelection(source)
}

function openTrace(source: Source, id: string): void {
  batch(() => {
    showNothing()
    traceId.value = id
  })
  reload(source, id, false)
}

// What fails of a trace that was left meanwhile is nobody's trouble.
function reload(source: Source, id: string, keep: boolean): void {
  load(source, id, keep).catch(error => {
    if (id === traceId.value) report(error)
  })
}

function keepAddress(): void {
  let timer = 0
  effect(() => {
    const text = viewText()
    clearTimeout(timer)
    timer = setTimeout(() => {
      // Another address means that it is about to be followed: it must not be written over.
      if (!loaded.value || touring.value >= 0 || location.hash !== address || address === `#${text}`) return
      history.replaceState(null, '', `#${text}`)
      address = location.hash
    }, 150)
  })
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
      const command = commandOf(event)
      if (!command || (target.matches('input, select, textarea') && !event.ctrlKey && !event.metaKey)) return
      event.preventDefault()
      command.act(source)
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
        if (told && told !== live.revision) reload(source, id, true)
        told = live.revision
      },
      problem => (trouble.value = problem))
  }, [id])
  useEffect(() => {
    visit.value = next => openTrace(source, next)
  }, [])
  const now = loaded.value
  return (
    <SourceContext.Provider value={source}>
      <header>
        <h1 class="logo">jetlag</h1>
        {traces.value.length > 0 && (
          <select aria-label="trace" value={id} onChange={event => openTrace(source, event.currentTarget.value)}>
            {id && !traces.value.some(t => t.id === id) && <option value={id}>{now?.summary.path.split('/').slice(-3).join('/') ?? id}</option>}
            {traces.value.map(t => <option key={t.id} value={t.id}>{t.name}</option>)}
          </select>
        )}
        {source.keep && (
          <button title="traces: open, add or remove one" aria-label="traces" onClick={() => (keeping.value = true)}>…</button>
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
        <button title="commands (Ctrl K)" aria-label="commands" onClick={() => (palette.value = true)}>⌘</button>
        <button title="a tour of five minutes, on a sample run" onClick={() => (touring.value = 0)}>tour</button>
        <button title="keys (?)" aria-label="keys" onClick={() => (helping.value = true)}>?</button>
      </header>
      {trouble.value && <Trouble problem={trouble.value} />}
      {now ? (
        <main>
          <Strip />
          <Dock />
        </main>
      ) : (
        <div class="waiting">
          {!trouble.value && (waitingFor.value || (id ? '' : (
            <div>
              <h2>No trace yet</h2>
              <p>Record one, in the folder that is served:</p>
              <pre>{'with jl.trace("run.jlt"):\n    fit(x, y)'}</pre>
              <p>then load this page again{source.keep ? ', or send one that you have:' : '.'}</p>
              {source.keep && <AddTrace source={source} openTrace={next => openTrace(source, next)} />}
              <p>Meanwhile:</p>
              <button class="plain" onClick={() => (touring.value = 0)}>a tour of five minutes, on a sample run</button>
            </div>
          )))}
        </div>
      )}
      {helping.value && <Help leave={() => (helping.value = false)} />}
      {keeping.value && source.keep && <Keep source={source} openTrace={next => openTrace(source, next)} leave={() => (keeping.value = false)} />}
      {palette.value && <Palette source={source} openTrace={next => openTrace(source, next)} />}
    </SourceContext.Provider>
  )
}

// The page on what it was opened for; or, during the tour, on the sample run. The address stays what it was.
function Page({ source }: { readonly source: Source }) {
  const isTour = touring.value >= 0
  const shown = useMemo(() => (isTour ? embeddedSource(sampleTrace()) : source), [isTour])
  useEffect(() => {
    if (isTour) openTrace(shown, 'sample')
  }, [isTour])
  const leave = () => {
    batch(() => {
      touring.value = -1
      loaded.value = null
      traceId.value = ''
    })
    followAddress(source).catch(report)
  }
  return (
    <>
      <App key={isTour ? 'tour' : 'own'} source={shown} />
      {isTour && <Tour leave={leave} />}
    </>
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
  render(<Page source={source} />, document.getElementById('app')!)
  addEventListener('hashchange', () => followAddress(source).catch(report))
  await followAddress(source).catch(report)
  keepAddress()
}

main().catch(error => {
  document.getElementById('app')!.textContent = `The trace in this page cannot be read: ${error}`
})
