// Figures from the server that the page came from. All addresses are relative, so any prefix will do.
import { decodeRows } from './rows'
import { type About, type Arrived, type Chosen, type Live, Problem, type Source, type Summary, type Window } from './types'

const pause = 1000 // milliseconds before a stream is asked for again

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

// Sends a file; only the old way tells how much of it has gone.
function send(path: string, file: File, token: string, sent: (share: number) => void): Promise<Arrived> {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest()
    request.open('POST', path)
    if (token) request.setRequestHeader('Authorization', `Bearer ${token}`)
    request.responseType = 'json'
    request.upload.onprogress = event => sent(event.loaded / Math.max(event.total, 1))
    request.onload = () => {
      const said = request.response ?? {}
      if (request.status < 300) done(said)
      else fail(new Problem(request.status, said.detail ?? `the server answered ${request.status}`, said.hint ?? ''))
    }
    request.onerror = () => fail(new Problem(0, `sending ${file.name} broke off, and nothing of it was kept`, 'send it again'))
    request.send(file)
  })
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
  let version = '' // of the server that this page came from

  // A page that is older than its server says so, instead of what came of that.
  async function sameVersion(): Promise<void> {
    const about = (await fetch('v1').then(answer => answer.json(), () => null)) as About | null
    if (!about) return
    version ||= about.version
    if (about.version !== version) {
      throw new Problem(409, `this page is of jetlag ${version}, and its server is ${about.version} by now`, 'load the page again')
    }
  }

  async function ask(path: string, signal?: AbortSignal, body?: string, method = body === undefined ? 'GET' : 'POST'): Promise<Response> {
    let answer: Response
    try {
      answer = await fetch(path, { headers, signal, method, body })
    } catch (error) {
      if (signal?.aborted) throw error
      throw new Problem(0, 'the server does not answer', 'start `jetlag serve` again, and load this page anew')
    }
    if (!answer.ok) {
      await sameVersion()
      throw await problemOf(answer)
    }
    return answer
  }
  const json = async (path: string) => (await ask(path)).json()
  const of = (trace: string, rest = '', parameters = {}) =>
    `v1/traces/${trace}${rest}${query({ rev: revisions.get(trace)?.revision, ...parameters })}`
  const window = (w: Window, chosen: Chosen) =>
    ({ begin: Math.round(w.begin), end: Math.round(w.end), bins: w.bins, measure: w.measure, ...chosenParameters(chosen) })

  // Hands on the events of a stream, also after it was cut: by a proxy that is tired of it, or because the server
  // is gone, which asking finds out. The result ends that.
  function followEvents(path: string, act: (name: string, said: unknown) => void, gone: (why: Problem) => void): () => void {
    const stop = new AbortController()
    const fail = (error: unknown) => {
      if (stop.signal.aborted) return
      if (error instanceof Problem) gone(error)
      else json('v1').then(() => setTimeout(follow, pause), fail)
    }
    const read = async () => {
      const answer = await ask(path, stop.signal)
      for await (const [name, data] of eventsOf(answer.body!)) {
        const said = JSON.parse(data)
        if (name === 'gone') throw new Problem(said.status, said.detail, said.hint)
        act(name, said)
      }
      throw new Error('the stream ended')
    }
    const follow = () => stop.signal.aborted || read().catch(fail)
    follow()
    return () => stop.abort()
  }

  return {
    isLive: true,
    async list() {
      const [traces] = await Promise.all([json('v1/traces'), sameVersion()])
      return traces
    },
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
    spans: (trace, q) => json(of(trace, '/spans', { ...q, sites: q.sites?.join(',') })),
    graph: (trace, task, distance) => json(of(trace, `/tasks/${task}/graph`, { distance })),
    siteGraph: trace => json(of(trace, '/graph')),
    messages: (trace, begin, end) => json(of(trace, '/messages', { begin, end })),
    instances: (trace, node, begin, end) => json(of(trace, `/tree/${node}/instances`, { begin, end })),
    plan: trace => json(of(trace, '/plan')),
    sql: {
      tables: trace => json(of(trace, '/sql')),
      ask: async (trace, text) => (await ask(`v1/traces/${trace}/sql`, undefined, text)).json(),
    },
    keep: {
      add: (file, sent) => send(`v1/traces${query({ name: file.name })}`, file, token, sent),
      remove: async trace => void (await ask(`v1/traces/${trace}`, undefined, undefined, 'DELETE')),
    },
    jobs: {
      isKept: async () => ((await json('v1')) as About).jobs,
      list: filter => json(`v1/jobs${query({ ...filter })}`),
      log: async (job, name, from) => (await ask(`v1/jobs/${job}/log/${name}${query({ from })}`)).text(),
      cancel: async job => (await ask(`v1/jobs/${job}/cancel`, undefined, '')).json(),
      follow: (changed, gone) => followEvents('v1/jobs/events', changed, gone),
    },
    follow(trace, changed, gone) {
      return followEvents(`v1/traces/${trace}/events`, (_, said) => changed(said as Live), gone)
    },
  }
}
