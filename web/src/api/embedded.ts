// Figures from the page itself: an exported trace, which needs no server. The same questions are answered
// from columns of spans that lie in the page, as src/trace/store/timeline.cpp answers them.
import { type Busy, type Chosen, type Critical, type Messages, type Plan, type Points, Problem, type Rows, type Samples, type Sites, type Source, type SpanInfo, type Summary, type TaskInfo, type Tree, type Window } from './types'
import { graphOf, instancesOf, measureOf, siteGraphOf, spansOf } from './embedded-graph'

// What `jetlag view -o` writes; numbers as columns.
export interface Exported {
  readonly summary: Summary
  readonly sites: Sites
  readonly tree: Tree
  readonly critical: Critical
  readonly points: Points
  readonly plan: Plan
  readonly messages: Messages
  readonly texts: Readonly<Record<string, string>>
  readonly spans: {
    readonly begin: readonly number[]
    readonly duration: readonly number[]
    readonly site: readonly number[]
    readonly track: readonly number[]
    readonly parent: readonly number[]
    readonly task: readonly number[]
    readonly tree: readonly number[]
  }
  readonly tasks: readonly Omit<TaskInfo, 'before' | 'after'>[]
  readonly edges: readonly (readonly [number, number, number])[]
  readonly samples: readonly { readonly time: readonly number[]; readonly value: readonly number[] }[]
}

interface Lane {
  readonly spans: readonly number[] // in the order of their begins; none over another
}

function isChosen(data: Exported, chosen: Chosen): (span: number) => boolean {
  if (chosen.tree !== undefined) {
    const below = new Set<number>()
    data.tree.parent.forEach((parent, node) => {
      if (node === chosen.tree || below.has(parent)) below.add(node)
    })
    return span => below.has(data.spans.tree[span])
  }
  const sites = new Set(chosen.sites ?? [])
  return span => sites.has(data.spans.site[span])
}

export function embeddedSource(data: Exported): Source {
  const { spans } = data
  const lanes: readonly Lane[] = data.summary.tracks.map(() => ({ spans: [] as number[] }))
  spans.track.forEach((track, span) => (lanes[track].spans as number[]).push(span))
  const endOf = (span: number) => spans.begin[span] + spans.duration[span]

  function rowsOf(lane: Lane, window: Window, lit: (span: number) => boolean): Rows {
    const out = { begin: [], end: [], busy: [], lit: [], count: [], site: [], span: [] } as Record<Exclude<keyof Rows, 'measure'>, number[]>
    const width = (window.end - window.begin) / window.bins
    const binOf = (time: number) => Math.min(Math.max(Math.floor((time - window.begin) / width), 0), window.bins - 1)
    let open = -1 // the bin of the row that may still grow
    const bySite = new Map<number, number>()
    const settle = () => {
      if (open < 0) return
      let most = -1
      for (const [site, busy] of bySite) {
        if (busy > most || (busy === most && site < out.site[out.site.length - 1])) {
          most = busy
          out.site[out.site.length - 1] = site
        }
      }
    }
    let longest = 0
    for (const span of lane.spans) {
      const begin = spans.begin[span]
      const took = spans.duration[span]
      if (begin + took <= window.begin) continue
      if (begin >= window.end) break
      const isLong = took >= width
      const bin = binOf(begin)
      if (isLong || bin !== open) {
        settle()
        bySite.clear()
        out.begin.push(begin)
        out.end.push(0)
        out.busy.push(0)
        out.lit.push(0)
        out.count.push(0)
        out.site.push(spans.site[span])
        out.span.push(span)
        longest = took
      }
      open = isLong ? -1 : bin
      const last = out.begin.length - 1
      out.end[last] = begin + took
      out.busy[last] += took
      out.count[last]++
      if (lit(span)) out.lit[last] += took
      if (took > longest) {
        longest = took
        out.span[last] = span
      }
      bySite.set(spans.site[span], (bySite.get(spans.site[span]) ?? 0) + took)
    }
    settle()
    return out
  }

  function busyOf(window: Window, chosen: Chosen): Busy {
    const width = (window.end - window.begin) / window.bins
    const all = new Float64Array(window.bins)
    const lit = new Float64Array(window.bins)
    const add = (to: Float64Array, span: number, sign: number) => {
      const [begin, end] = [spans.begin[span] - window.begin, endOf(span) - window.begin]
      const last = Math.min(Math.ceil(end / width), window.bins)
      for (let b = Math.max(Math.floor(begin / width), 0); b < last; b++) {
        to[b] += sign * Math.max(Math.min(end, (b + 1) * width) - Math.max(begin, b * width), 0)
      }
    }
    const selected = isChosen(data, chosen)
    const within = (span: number): boolean =>
      spans.parent[span] >= 0 && (selected(spans.parent[span]) || within(spans.parent[span]))
    for (let span = 0; span < spans.begin.length; span++) {
      if (spans.parent[span] < 0) add(all, span, 1)
      if (data.sites.category[spans.site[span]] === 'wait') add(all, span, -1)
      if (selected(span) && !within(span)) add(lit, span, 1)
    }
    const threads = Math.max(data.summary.tracks.filter(t => t.depth === 0).length, 1)
    const share = (ns: Float64Array) => Array.from(ns, n => Math.min(Math.max(n / width / threads, 0), 1))
    return { all: share(all), lit: share(lit) }
  }

  function samplesOf(counter: number, window: Window): Samples {
    const { time, value } = data.samples[counter]
    const none = () => Array.from({ length: window.bins }, (): number | null => null)
    const [least, most, sum] = [none(), none(), none()]
    const n = new Uint32Array(window.bins)
    time.forEach((t, i) => {
      if (t < window.begin || t >= window.end) return
      const b = Math.min(Math.floor(((t - window.begin) / (window.end - window.begin)) * window.bins), window.bins - 1)
      least[b] = Math.min(least[b] ?? Infinity, value[i])
      most[b] = Math.max(most[b] ?? -Infinity, value[i])
      sum[b] = (sum[b] ?? 0) + value[i]
      n[b]++
    })
    return { least, most, mean: sum.map((s, b) => (s === null ? null : s / n[b])) }
  }

  function spanOf(span: number): SpanInfo {
    const track = data.summary.tracks[spans.track[span]]
    return {
      span, begin: spans.begin[span], end: endOf(span), site: spans.site[span], thread: track.thread,
      depth: track.depth, parent: spans.parent[span], task: spans.task[span], tree: spans.tree[span], open: false,
    }
  }

  return {
    isLive: false,
    list: async () => [{ id: data.summary.id, name: data.summary.path.split('/').pop() ?? '', bytes: 0, changed: 0 }],
    summary: async () => data.summary,
    sites: async () => data.sites,
    tree: async () => data.tree,
    critical: async () => data.critical,
    points: async () => data.points,
    async text(_, file) {
      const text = data.texts[data.summary.files[file]]
      if (text === undefined) throw new Problem(404, `${data.summary.files[file]} is not in this file`)
      return text
    },
    span: async (_, span) => spanOf(span),
    async task(_, task) {
      const other = (i: number, handed: number) => ({ ...data.tasks[i], handed })
      return {
        ...data.tasks[task],
        before: data.edges.filter(([, to]) => to === task).map(([from, , bytes]) => other(from, bytes)),
        after: data.edges.filter(([from]) => from === task).map(([, to, bytes]) => other(to, bytes)),
      }
    },
    async rows(_, window, chosen) {
      const lit = isChosen(data, chosen)
      return lanes.map(lane => {
        const rows = rowsOf(lane, window, lit)
        return window.measure ? { ...rows, measure: Array.from(rows.span, s => measureOf(data, window.measure!, s)) } : rows
      })
    },
    busy: async (_, window, chosen) => busyOf(window, chosen),
    samples: async (_, counter, window) => samplesOf(counter, window),
    async histogram(_, begin, end, chosen) {
      const steps = 8
      const counts: number[] = []
      const all = chosen.sites === undefined && chosen.tree === undefined
      const lit = isChosen(data, chosen)
      spans.begin.forEach((from, span) => {
        if (endOf(span) <= begin || from >= end || !(all || lit(span))) return
        const bin = Math.floor(Math.log2(Math.max(spans.duration[span], 1)) * steps)
        while (counts.length <= bin) counts.push(0)
        counts[bin]++
      })
      return { steps, counts }
    },
    spans: async (_, query) => spansOf(data, query),
    graph: async (_, task, distance) => graphOf(data, task, distance),
    siteGraph: async () => siteGraphOf(data),
    messages: async () => data.messages,
    instances: async (_, node, begin, end) => instancesOf(data, node, begin, end),
    plan: async () => data.plan,
    sql: null,
    jobs: null,
    keep: null,
    follow: () => () => {},
  }
}
