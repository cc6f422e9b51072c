import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Tree } from '../api/types'
import { childrenOf, diagram, icicle, weights } from './tree'

const tree: fc.Arbitrary<Tree> = fc.array(fc.record({ parent: fc.nat(), total: fc.nat(1000), count: fc.integer({ min: 1, max: 9 }) }), { maxLength: 60 })
  .map(rows => ({
    site: rows.map(() => 0),
    parent: rows.map((row, i) => (row.parent % (i + 1)) - 1),
    count: rows.map(row => row.count), total: rows.map(row => row.total), self: rows.map(row => row.total / 2),
  }))

test('every node is the child of its parent once', () => {
  fc.assert(fc.property(tree, t => {
    const all = [...childrenOf(t)].flatMap(([parent, nodes]) => nodes.map(n => [n, parent]))
    expect(new Map(all.map(([n, p]) => [n, p]))).toEqual(new Map(t.parent.map((p, n) => [n, p])))
    expect(all.length).toBe(t.parent.length)
  }))
})

test('boxes lie within the box of their parent, and beside each other', () => {
  fc.assert(fc.property(tree, fc.constantFrom('time' as const, 'count' as const), (t, metric) => {
    const boxes = icicle(t, metric, -1, 0)
    const of = new Map(boxes.map(b => [b.node, b]))
    for (const box of boxes) {
      const parent = of.get(t.parent[box.node])
      if (!parent) continue
      expect(box.depth).toBe(parent.depth + 1)
      expect(box.left).toBeGreaterThanOrEqual(parent.left - 1e-9)
      expect(box.left + box.width).toBeLessThanOrEqual(parent.left + parent.width + 1e-9)
    }
    for (const depth of new Set(boxes.map(b => b.depth))) {
      const level = boxes.filter(b => b.depth === depth && b.width > 0).sort((a, b) => a.left - b.left)
      level.forEach((b, i) => i && expect(b.left).toBeGreaterThanOrEqual(level[i - 1].left + level[i - 1].width - 1e-9))
    }
  }))
})

test('a node needs at least the room of what is below it', () => {
  fc.assert(fc.property(tree, t => {
    const weight = weights(t, 'time')
    t.parent.forEach((_, node) => {
      const below = t.parent.reduce((sum, p, n) => (p === node ? sum + weight[n] : sum), 0)
      expect(weight[node]).toBeGreaterThanOrEqual(Math.max(below, t.total[node]) - 1e-9)
    })
  }))
})

test('a diagram keeps the way to the root, says what it left out, and no two leaves share a row', () => {
  fc.assert(fc.property(tree, fc.integer({ min: 1, max: 20 }), (t, most) => {
    const placed = diagram(t, most)
    const of = new Map(placed.map(p => [p.node, p]))
    for (const p of placed) {
      if (t.parent[p.node] >= 0) expect(of.get(t.parent[p.node])!.depth).toBe(p.depth - 1)
      const inside = t.parent.flatMap((parent, n) => (parent === p.node ? [n] : []))
      expect(p.hidden).toBe(inside.filter(n => !of.has(n)).length)
    }
    const leaves = placed.filter(p => !placed.some(q => t.parent[q.node] === p.node)).map(p => p.row)
    expect(new Set(leaves).size).toBe(leaves.length)
  }))
})
