import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { layered } from './layered'

const graph = fc.integer({ min: 1, max: 30 }).chain(n =>
  fc.array(fc.tuple(fc.nat(n - 1), fc.nat(n - 1)), { maxLength: 60 }).map(edges => ({ n, edges })))

test('without circles every edge leads to the right', () => {
  fc.assert(fc.property(graph, ({ n, edges }) => {
    const onward = edges.filter(([a, b]) => a < b)
    const places = layered(n, onward.map(e => e[0]), onward.map(e => e[1]))
    for (const [a, b] of onward) expect(places[a].column).toBeLessThan(places[b].column)
  }))
})

test('no two nodes stand on one place, circles or not', () => {
  fc.assert(fc.property(graph, ({ n, edges }) => {
    const places = layered(n, edges.map(e => e[0]), edges.map(e => e[1]))
    expect(places.length).toBe(n)
    for (const column of new Set(places.map(p => p.column))) {
      const rows = places.filter(p => p.column === column).map(p => p.row).sort((a, b) => a - b)
      rows.forEach((r, i) => i && expect(r - rows[i - 1]).toBeGreaterThan(0.99))
    }
  }))
})

test('a chain lies in one row', () => {
  expect(layered(3, [0, 1], [1, 2])).toEqual([{ column: 0, row: 0 }, { column: 1, row: 0 }, { column: 2, row: 0 }])
})
