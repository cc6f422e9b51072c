// Figures from the server that the page came from. All addresses are relative, so any prefix will do.
import { decodeRows } from './rows'
import { type Chosen, type Live, Problem, type Source, type Summary, type Window } from './types'

// The token of the address, kept for this tab; the address does not show it any longer.
function takeToken(): string {
  const address = new URL(location.href)
  const token = address.searchParams.get('token')
  if (token === null) return sessionStorage.getItem('jetlag-token') ?? ''
  sessionStorage.setItem('jetlag-token', token)
  address.searchParams.delete('token')
  history.replaceState(null, '', address)
  return token
}

async function problemOf(answer: Response): Promise<Problem> {
  const said = await answer.json().catch(() => ({}))
  return new Problem(answer.status, said.detail ?? `the server answered ${answer.status}`, said.hint ?? '')
}

function query(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const pairs = Object.entries(parameters).filter(([, value]) => value !== undefined)
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs as [string, string][])}`
}

function chosenParameters(chosen: Chosen): Record<string, string | number | undefined> {
  return { tree: chosen.tree, sites: chosen.tree === undefined ? chosen.sites?.join(',') : undefined }
}

// The events of a stream, until it ends.
async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<[string, string]> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader()
  let rest = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    const parts = (rest + value).split('\n\n')
    rest = parts.pop() ?? ''
    for (const part of parts) {
      const name = /^event: (.*)$/m.exec(part)?.[1]
      const data = [...part.matchAll(/^data: (.*)$/gm)].map(match => match[1]).join('\n')
      if (name) yield [name, data]
    }
  }
}

export function httpSource(): Source {
  const token = takeToken()
  const headers: HeadersInit = token ? { Authorization: `Bearer ${token}` } : {}
  const revisions = new Map<string, Summary>()

  async function ask(path: string, signal?: AbortSignal): Promise<Response> {
    let answer: Response
    try {
      answer = await fetch(path, { headers, signal })
    } catch (error) {
      if (signal?.aborted) throw error
      throw new Problem(0, 'the server does not answer', 'start `jetlag serve` again, and load this page anew')
    }
    if (!answer.ok) throw await problemOf(answer)
    return answer
  }
  const json = async (path: string) => (await ask(path)).json()
  const of = (trace: string, rest = '', parameters = {}) =>
    `v1/traces/${trace}${rest}${query({ rev: revisions.get(trace)?.revision, ...parameters })}`
  const window = (w: Window, chosen: Chosen) =>
    ({ begin: Math.round(w.begin), end: Math.round(w.end), bins: w.bins, ...chosenParameters(chosen) })

  return {
    isLive: true,
    list: () => json('v1/traces'),
    async summary(trace) {
      const summary: Summary = await json(`v1/traces/${trace}`)
      revisions.set(trace, summary)
      return summary
    },
    sites: trace => json(of(trace, '/sites')),
    tree: trace => json(of(trace, '/tree')),
    critical: trace => json(of(trace, '/critical')),
    points: trace => json(of(trace, '/points')),
    text: async (trace, file) => (await json(of(trace, `/sources/${file}`))).text,
    span: (trace, span) => json(of(trace, `/spans/${span}`)),
    task: (trace, task) => json(of(trace, `/tasks/${task}`)),
    async rows(trace, w, chosen) {
      const tracks = revisions.get(trace)?.tracks.length ?? 0
      const answer = await ask(of(trace, '/rows', window(w, chosen)))
      return decodeRows(await answer.arrayBuffer(), tracks)
    },
    busy: (trace, w, chosen) => json(of(trace, '/busy', window(w, chosen))),
    samples: (trace, counter, w) => json(of(trace, `/counters/${counter}`, window(w, {}))),
    histogram: (trace, begin, end, chosen) =>
      json(of(trace, '/histogram', { begin: Math.round(begin), end: Math.round(end), ...chosenParameters(chosen) })),
    follow(trace, changed, gone) {
      const stop = new AbortController()
      const follow = async () => {
        const answer = await ask(`v1/traces/${trace}/events`, stop.signal)
        for await (const [name, data] of eventsOf(answer.body!)) {
          const said = JSON.parse(data)
          if (name === 'trace') changed(said as Live)
          else gone(new Problem(said.status, said.detail, said.hint))
        }
      }
      follow().catch(error => {
        if (!stop.signal.aborted) gone(error instanceof Problem ? error : new Problem(0, String(error)))
      })
      return () => stop.abort()
    },
  }
}
