// The tree of calls as pictures: boxes inside boxes, and nodes with links.
import type { Tree } from '../api/types'
import { largest } from '../base/largest'

export type TreeMetric = 'time' | 'own' | 'count' | 'mean'

export function metricOf(tree: Tree, metric: TreeMetric, node: number): number {
  switch (metric) {
    case 'time': return tree.total[node]
    case 'own': return tree.self[node]
    case 'count': return tree.count[node]
    case 'mean': return tree.count[node] ? tree.total[node] / tree.count[node] : 0
  }
}

// The children of each node, those with the most time first; of -1: the roots.
export function childrenOf(tree: Tree): ReadonlyMap<number, readonly number[]> {
  const lists = new Map<number, number[]>()
  tree.parent.forEach((parent, node) => {
    const list = lists.get(parent)
    if (list) list.push(node)
    else lists.set(parent, [node])
  })
  for (const list of lists.values()) list.sort((a, b) => tree.total[b] - tree.total[a] || a - b)
  return lists
}

// How much room each node needs: its own, or that of all below it where they ran side by side on several threads.
export function weights(tree: Tree, metric: 'time' | 'count'): Float64Array {
  const own = metric === 'time' ? tree.total : tree.count
  const below = new Float64Array(own.length)
  const all = Float64Array.from(own)
  for (let node = own.length - 1; node >= 0; node--) { // parents stand before their children
    all[node] = metric === 'time' ? Math.max(own[node], below[node]) : own[node] + below[node]
    if (tree.parent[node] >= 0) below[tree.parent[node]] += all[node]
  }
  return all
}

export interface Box {
  readonly node: number
  readonly depth: number
  readonly left: number // shares of the width
  readonly width: number
}

// Boxes below `root` (-1: all), each within its parent's; those narrower than `least` are left out, with what is below.
export function icicle(tree: Tree, metric: 'time' | 'count', root: number, least: number): readonly Box[] {
  const children = childrenOf(tree)
  const weight = weights(tree, metric)
  const boxes: Box[] = []
  const roots = root >= 0 && root < weight.length ? [root] : (children.get(-1) ?? [])
  const all = roots.reduce((sum, n) => sum + weight[n], 0)
  if (all <= 0) return []
  const open: { readonly nodes: readonly number[]; readonly left: number; readonly depth: number }[] = [{ nodes: roots, left: 0, depth: 0 }]
  for (let level = open.pop(); level; level = open.pop()) {
    let left = level.left
    for (const node of level.nodes) {
      const width = weight[node] / all
      if (width >= least) {
        boxes.push({ node, depth: level.depth, left, width })
        open.push({ nodes: children.get(node) ?? [], left, depth: level.depth + 1 })
      }
      left += width
    }
  }
  return boxes
}

export interface Placed {
  readonly node: number
  readonly depth: number
  readonly row: number // from the top; parents stand in the middle of their children
  readonly hidden: number // children that are left out
}

// The `most` nodes that need the most room, with the way to the root of each.
export function diagram(tree: Tree, most: number): readonly Placed[] {
  const children = childrenOf(tree)
  const weight = weights(tree, 'time')
  const kept = new Set<number>()
  for (const node of Array.from(weight.keys()).sort((a, b) => weight[b] - weight[a] || a - b)) {
    if (kept.size >= most) break
    for (let n = node; n >= 0 && !kept.has(n); n = tree.parent[n]) kept.add(n)
  }
  const placed: Placed[] = []
  let rows = 0
  const place = (node: number, depth: number): number => {
    const all = children.get(node) ?? []
    const shown = all.filter(n => kept.has(n))
    const places = shown.map(n => place(n, depth + 1))
    const row = places.length ? (places[0] + places[places.length - 1]) / 2 : rows++
    placed.push({ node, depth, row, hidden: all.length - shown.length })
    return row
  }
  for (const root of children.get(-1) ?? []) if (kept.has(root)) place(root, 0)
  return placed.sort((a, b) => a.node - b.node)
}

// What a metric is at most, to scale by.
export function mostOf(tree: Tree, metric: TreeMetric): number {
  return largest(tree.parent.map((_, node) => metricOf(tree, metric, node)), 1)
}
