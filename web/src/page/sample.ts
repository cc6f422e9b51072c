// A small run for the tour: rounds of a fit on three workers, of which one always gets more to do. Made here, from
// what a scheduler would do, so that an exported page need not carry a recorded one.
import type { Exported } from '../api/embedded'
import type { TaskInfo, Tree } from '../api/types'

const text = `import jetlag as jl
import numpy as np


@jl.jit
def fit(x, y, w, rounds):
    for r in range(rounds):
        p = 1 / (1 + np.exp(-np.dot(x, w)))
        g = np.dot(x.T, p - y)
        w = w - 0.01 * g
    return w
`

const kinds = [
  { name: 'fit', category: 'call', line: 6, text: '', node: -1 },
  { name: 'for', category: 'step', line: 7, text: 'range(rounds)', node: 0 },
  { name: 'dot', category: 'task', line: 8, text: 'dot(x, w)', node: 3 },
  { name: 'sigmoid', category: 'task', line: 8, text: '1 / (1 + exp(-dot(x, w)))', node: 5 },
  { name: 'dot', category: 'task', line: 9, text: 'dot(transpose(x), p - y)', node: 8 },
  { name: 'wait for tasks', category: 'wait', line: 0, text: '', node: -1 },
] as const
const [fit, loop, forward, logistic, backward, waiting] = [0, 1, 2, 3, 4, 5]
const [rounds, workers, us] = [12, 3, 1000]
// Of each kind of task: microseconds, and what a microsecond moves and computes.
const work = { [forward]: [900, 9000, 4500], [logistic]: [260, 16_000, 1000], [backward]: [700, 12_000, 6000] } as const
const unfair = 1.9 // times the work of the last worker

interface Span {
  readonly begin: number
  readonly end: number
  readonly site: number
  readonly track: number
  readonly parent: number
  readonly task: number
  readonly tree: number
}

// Each round, all workers do one part of each kind; the next kind begins when all parts are done.
export function sampleTrace(): Exported {
  const spans: Span[] = []
  const tasks: Omit<TaskInfo, 'before' | 'after'>[] = []
  const edges: [number, number, number][] = []
  const samples: [number, number][] = []
  let now = 40 * us
  spans.push({ begin: 10 * us, end: 0, site: fit, track: 0, parent: -1, task: -1, tree: 0 })
  spans.push({ begin: 20 * us, end: 0, site: loop, track: 1, parent: 0, task: -1, tree: 1 })
  for (let round = 0; round < rounds; round++) {
    const began = now
    let before: number[] = tasks.slice(-workers).map(t => t.task)
    for (const site of [forward, logistic, backward] as const) {
      const [takes, bytes, flops] = work[site]
      const made: number[] = []
      const ready = now
      for (let worker = 0; worker < workers; worker++) {
        const share = worker === workers - 1 && site === forward ? unfair : 1 + 0.04 * ((round * 7 + worker * 3) % 5)
        const [begin, took] = [ready + (4 + worker) * us, Math.round(takes * share) * us]
        const task = tasks.length
        spans.push({ begin, end: begin + took, site, track: 3 + worker, parent: -1, task, tree: site })
        tasks.push({
          task, id: task + 1, site, parent: -1, created: ready, ready, begin, end: begin + took, busy: took, span: spans.length - 1,
          bytes: takes * bytes, flops: takes * share * flops, thread: 1 + worker, depth: 0, slack: 0,
        })
        for (const from of before) edges.push([from, task, 32_000])
        made.push(task)
        now = Math.max(now, begin + took)
      }
      // What ended before the last of its kind could have ended later.
      for (const t of made) Object.assign(tasks[t], { slack: now - tasks[t].end })
      before = made
    }
    spans.push({ begin: began + 3 * us, end: now, site: waiting, track: 2, parent: 1, task: -1, tree: 5 })
    samples.push([began, 80e6 + round * 4e6], [now, 82e6 + round * 4e6])
    now += 30 * us
  }
  Object.assign(spans[0], { end: now + 20 * us })
  Object.assign(spans[1], { end: now })
  return exported(inOrder(spans, tasks), tasks, edges, samples, now + 30 * us)
}

// By track, then begin, as a store has them; tasks and parents follow.
function inOrder(spans: readonly Span[], tasks: readonly { span?: number }[]): readonly Span[] {
  const order = spans.map((_, i) => i).sort((a, b) => spans[a].track - spans[b].track || spans[a].begin - spans[b].begin)
  const place = new Map(order.map((old, i) => [old, i]))
  for (const t of tasks) t.span = place.get(t.span!)
  return order.map(i => ({ ...spans[i], parent: spans[i].parent < 0 ? -1 : place.get(spans[i].parent)! }))
}

function exported(
  spans: readonly Span[], tasks: readonly Omit<TaskInfo, 'before' | 'after'>[], edges: readonly [number, number, number][],
  samples: readonly [number, number][], length: number,
): Exported {
  const took = kinds.map((_, site) => spans.filter(s => s.site === site).map(s => s.end - s.begin).sort((a, b) => a - b))
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
  const total = took.map(sum)
  const self = total.map((ns, site) => (site === fit ? ns - total[loop] : site === loop ? ns - total[waiting] : ns))
  const of = (site: number, what: 'bytes' | 'flops') => sum(tasks.filter(t => t.site === site).map(t => t[what]))
  const column = <T>(get: (site: number) => T) => kinds.map((_, site) => get(site))
  const at = (site: number, share: number) => took[site][Math.min(Math.floor(share * took[site].length), took[site].length - 1)]
  const tree: Tree = { site: [0, 1, 2, 3, 4, 5], parent: [-1, 0, -1, -1, -1, 1], count: took.map(t => t.length), total, self }
  // The longest part of each step, one after the other.
  const path = tasks.filter(t => t.slack === 0)
  const names = ['main', ...Array.from({ length: workers }, (_, w) => `worker ${w}`)]
  const tracks = [0, 0, 0, 1, 2, 3].map((thread, i) => ({
    thread, rank: 0, name: names[thread], depth: i < 3 ? i : 0, slices: spans.filter(s => s.track === i).length,
  }))
  const pathTime = (site: number) => sum(path.filter(t => t.site === site).map(t => t.end - t.begin))
  const whole = sum(path.map(t => t.end - t.begin))
  const none: readonly number[] = []
  return {
    summary: {
      id: 'sample', revision: '', path: 'sample run', length, closed: true, dropped: 0, spans: spans.length, tasks: tasks.length,
      edges: edges.length, complaints: [], facts: { program: 'fit.py', workers: String(workers) }, tracks,
      counters: [{ name: '/memory{0/total}/live', unit: 'B', kind: 'gauge', doc: 'bytes of arrays', samples: samples.length }],
      files: ['fit.py'], readable: [true],
    },
    sites: {
      name: column(s => kinds[s].name), category: column(s => kinds[s].category), function: column(() => 'fit'),
      file: column(s => (kinds[s].line ? 'fit.py' : '')), line: column(s => kinds[s].line), column: column(() => 0),
      node: column(s => kinds[s].node), text: column(s => kinds[s].text), count: tree.count, total, self,
      least: column(s => took[s][0]), median: column(s => at(s, 0.5)), p99: column(s => at(s, 0.99)), most: column(s => at(s, 1)),
      bytes: column(s => of(s, 'bytes')), flops: column(s => of(s, 'flops')),
    },
    tree,
    critical: {
      length: whole, own: 0, tasks: path.length, path,
      sites: [forward, logistic, backward].map(site => ({ site, time: pathTime(site), twice_as_fast: whole - pathTime(site) / 2 })),
    },
    points: { time: none, event: [], value: none, site: none, thread: none },
    plan: {
      tree: [0, 1, 2, 3, 4], parent: [-1, 0, 1, 1, 1], site: [0, 1, 2, 3, 4], count: tree.count.slice(0, 5), total: total.slice(0, 5),
      self: self.slice(0, 5), waited: [0, total[waiting], 0, 0, 0], tasks: [0, 0, 1, 1, 1].map(n => n * rounds * workers),
      threads: [1, 1, workers, workers, workers], bytes: column(s => of(s, 'bytes')).slice(0, 5), flops: column(s => of(s, 'flops')).slice(0, 5),
    },
    messages: { from: none, to: none, sent: none, received: none, bytes_sent: none, bytes_received: none },
    texts: { 'fit.py': text },
    spans: {
      begin: spans.map(s => s.begin), duration: spans.map(s => s.end - s.begin), site: spans.map(s => s.site), track: spans.map(s => s.track),
      parent: spans.map(s => s.parent), task: spans.map(s => s.task), tree: spans.map(s => s.tree),
    },
    tasks, edges, samples: [{ time: samples.map(s => s[0]), value: samples.map(s => s[1]) }],
  }
}
