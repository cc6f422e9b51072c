// What an exported page answers about tasks, instances and sets of spans, as the server's routes do.
import type { FoundSpans, Instances, Query, SiteGraph, TaskGraph } from './types'
import type { Exported } from './embedded'

const mostTasks = 200
const mostSpans = 5000

export function spansOf(data: Exported, query: Query): FoundSpans {
  const { spans, summary } = data
  const sites = query.sites && new Set(query.sites)
  const all = spans.begin.map((_, i) => i).filter(i => {
    const [begin, took] = [spans.begin[i], spans.duration[i]]
    return (begin + took > (query.begin ?? 0)) && begin < (query.end ?? Infinity) && took >= (query.least ?? 0) &&
      took < (query.most ?? Infinity) && (query.thread === undefined || summary.tracks[spans.track[i]].thread === query.thread) &&
      (!sites || sites.has(spans.site[i]))
  })
  const counts = new Map<number, number>()
  for (const i of all) counts.set(spans.site[i], (counts.get(spans.site[i]) ?? 0) + 1)
  const bySite = [...counts].sort((a, b) => a[0] - b[0])
  const shown = all.length > mostSpans
    ? [...all].sort((a, b) => spans.duration[b] - spans.duration[a] || a - b).slice(0, mostSpans).sort((a, b) => a - b)
    : all
  return {
    count: all.length, time: all.reduce((sum, i) => sum + spans.duration[i], 0),
    sites: bySite.map(([site]) => site), counts: bySite.map(([, n]) => n),
    span: shown, begin: shown.map(i => spans.begin[i]), duration: shown.map(i => spans.duration[i]),
    site: shown.map(i => spans.site[i]), thread: shown.map(i => summary.tracks[spans.track[i]].thread),
    depth: shown.map(i => summary.tracks[spans.track[i]].depth),
  }
}

// Both ways along the dependencies, each by itself, the nearest first.
export function graphOf(data: Exported, task: number, distance: number): TaskGraph {
  const found = new Map([[task, 0]])
  let complete = true
  for (const sign of [-1, 1]) {
    let edge = [task]
    for (let step = 1; step <= distance; step++) {
      const next: number[] = []
      for (const [from, to] of data.edges) {
        const [near, far] = sign < 0 ? [to, from] : [from, to]
        if (!edge.includes(near) || found.has(far)) continue
        if (found.size >= mostTasks) {
          complete = false
          continue
        }
        found.set(far, sign * step)
        next.push(far)
      }
      edge = next
    }
  }
  const tasks = [...found].sort((a, b) => Math.abs(a[1]) - Math.abs(b[1]) || a[0] - b[0])
  const rows = tasks.map(([t]) => data.tasks[t])
  const edges = data.edges.filter(([from, to]) => found.has(from) && found.has(to))
  return {
    tasks: {
      task: tasks.map(([t]) => t), distance: tasks.map(([, d]) => d), site: rows.map(r => r.site), thread: rows.map(r => r.thread),
      begin: rows.map(r => r.begin), end: rows.map(r => r.end), busy: rows.map(r => r.busy), slack: rows.map(r => r.slack),
    },
    edges: { from: edges.map(e => e[0]), to: edges.map(e => e[1]), bytes: edges.map(e => e[2]) },
    complete,
  }
}

export function siteGraphOf(data: Exported): SiteGraph {
  const nodes = new Map<number, { count: number; busy: number }>()
  for (const t of data.tasks) {
    const node = nodes.get(t.site) ?? { count: 0, busy: 0 }
    nodes.set(t.site, { count: node.count + 1, busy: node.busy + t.busy })
  }
  const gather = (pairs: Iterable<readonly [number, number, number]>) => {
    const sums = new Map<string, { from: number; to: number; count: number; bytes: number }>()
    for (const [a, b, bytes] of pairs) {
      const [from, to] = [data.tasks[a].site, data.tasks[b].site]
      const sum = sums.get(`${from} ${to}`) ?? { from, to, count: 0, bytes: 0 }
      sums.set(`${from} ${to}`, { ...sum, count: sum.count + 1, bytes: sum.bytes + bytes })
    }
    const rows = [...sums.values()].sort((a, b) => a.from - b.from || a.to - b.to)
    return { from: rows.map(r => r.from), to: rows.map(r => r.to), count: rows.map(r => r.count), bytes: rows.map(r => r.bytes) }
  }
  const all = [...nodes].sort((a, b) => a[0] - b[0])
  return {
    nodes: { site: all.map(([site]) => site), count: all.map(([, n]) => n.count), busy: all.map(([, n]) => n.busy) },
    edges: gather(data.edges.filter(([from]) => from >= 0)),
    makers: gather(data.tasks.flatMap((t, i): [number, number, number][] => (t.parent >= 0 ? [[t.parent, i, 0]] : []))),
  }
}

// Each time that a node of the tree happened: its span, and all below it, on whatever threads that ran.
export function instancesOf(data: Exported, node: number, begin: number, end: number): Instances {
  const { spans, tasks } = data
  const own = new Int32Array(spans.begin.length).fill(-1)
  const all: { begin: number; end: number; busy: number; count: number; span: number }[] = []
  const begins = (i: number) => spans.task[i] >= 0 && (spans.parent[i] < 0 || spans.task[spans.parent[i]] !== spans.task[i])
  const ofTask = new Map<number, number>() // the instance that a task is part of
  const ownerOfTask = (task: number, i: number): number => {
    if (ofTask.has(task)) return ofTask.get(task)!
    ofTask.set(task, -1) // also the end of a circle, in a damaged trace
    const above = tasks[task].parent
    const owner = spans.tree[i] === node ? all.push({ begin: Infinity, end: -Infinity, busy: 0, count: 0, span: i }) - 1
      : above >= 0 && tasks[above].span !== undefined ? ownerOfTask(above, tasks[above].span!) : -1
    ofTask.set(task, owner)
    return owner
  }
  spans.begin.forEach((from, i) => {
    if (begins(i)) own[i] = ownerOfTask(spans.task[i], i)
    else if (spans.tree[i] === node) own[i] = all.push({ begin: Infinity, end: -Infinity, busy: 0, count: 0, span: i }) - 1
    else if (spans.parent[i] >= 0) own[i] = own[spans.parent[i]]
    if (own[i] < 0) return
    const to = all[own[i]]
    if (from < to.begin) to.span = i
    to.begin = Math.min(to.begin, from)
    to.end = Math.max(to.end, from + spans.duration[i])
    to.count++
    if (spans.parent[i] < 0 || own[spans.parent[i]] !== own[i]) to.busy += spans.duration[i]
  })
  const seen = all.filter(x => x.count > 0 && x.end > begin && x.begin < end).sort((a, b) => a.begin - b.begin || a.end - b.end)
  const free: number[] = [] // when each lane is free again
  const lane = seen.map(x => {
    const l = free.findIndex(until => until <= x.begin)
    if (l < 0) return free.push(x.end) - 1
    free[l] = x.end
    return l
  })
  return {
    begin: seen.map(x => x.begin), end: seen.map(x => x.end), busy: seen.map(x => x.busy), count: seen.map(x => x.count),
    span: seen.map(x => x.span), lane, left_out: 0,
  }
}

// As src/trace/store/measures.cpp; NaN where nothing is known.
export function measureOf(data: Exported, name: string, span: number): number {
  const task = data.tasks[data.spans.task[span]]
  const known = (value: number | undefined) => (value !== undefined && value > 0 ? value : NaN)
  const took = task ? task.busy : data.spans.duration[span]
  switch (name) {
    case 'duration': return data.spans.duration[span]
    case 'wait': return task && task.ready >= 0 && task.begin >= 0 ? task.begin - task.ready : NaN
    case 'slack': return task ? task.slack : NaN
    case 'bytes': return known(task?.bytes)
    case 'flops': return known(task?.flops)
    case 'bandwidth': return known(task?.bytes) / known(took)
    case 'speed': return known(task?.flops) / known(took)
    case 'intensity': return known(task?.flops) / known(task?.bytes)
    default: return NaN
  }
}
