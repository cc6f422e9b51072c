import { describe, expect, test } from 'vitest'
import type { Sites, Tree } from '../api/types'
import { chosenBy, nothing, placeOf, readSelection, type Selection, selectionText, sitesOf, treeNodesOf } from './selection'

// A small generator, so that a failure can be repeated.
function numbers(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

function randomTrace(seed: number): { sites: Sites; tree: Tree } {
  const random = numbers(seed)
  const n = 1 + random(30)
  const column = <T>(make: () => T) => Array.from({ length: n }, make)
  const zeros = column(() => 0)
  const sites: Sites = {
    name: column(() => `site ${random(5)}`), category: column(() => 'step'),
    function: column(() => ['f', 'g: <b>🦆'][random(2)]), file: column(() => ['a.py', 'b:c.py'][random(2)]),
    line: column(() => random(9)), column: zeros, node: column(() => random(12)), text: column(() => ''),
    count: zeros, total: zeros, self: zeros, least: zeros, median: zeros, p99: zeros, most: zeros,
    bytes: zeros, flops: zeros,
  }
  const nodes = 1 + random(40)
  const tree: Tree = {
    site: Array.from({ length: nodes }, () => random(n + 1) - 1),
    parent: Array.from({ length: nodes }, (_, i) => random(i + 1) - 1),
    count: [], total: [], self: [],
  }
  return { sites, tree }
}

const seeds = Array.from({ length: 200 }, (_, i) => i + 1)

describe.each(seeds)('a random trace, seed %i', seed => {
  const { sites, tree } = randomTrace(seed)

  test('every site is found again from its line, its node and its places in the tree', () => {
    for (let s = 0; s < sites.name.length; s++) {
      const line: Selection = { kind: 'line', file: sites.file[s], line: sites.line[s] }
      const node: Selection = { kind: 'node', function: sites.function[s], node: sites.node[s] }
      expect(sitesOf(line, sites, tree)).toContain(s)
      expect(sitesOf(node, sites, tree)).toContain(s)
      for (const n of treeNodesOf({ kind: 'sites', sites: [s] }, sites, tree)) {
        expect(sitesOf({ kind: 'tree', tree: n }, sites, tree)).toEqual([s])
      }
    }
  })

  test('what is lit in the tree is exactly what has a chosen site', () => {
    const selection: Selection = { kind: 'line', file: sites.file[0], line: sites.line[0] }
    const lit = treeNodesOf(selection, sites, tree)
    const chosen = new Set(chosenBy(selection, sites, tree).sites)
    tree.site.forEach((site, node) => expect(lit.has(node)).toBe(chosen.has(site)))
  })

  test('a set of spans lights up the sites of what was found, where they stand in the tree, and one of their lines', () => {
    const selection: Selection = { kind: 'spans', query: { least: 1 } }
    const found = sites.name.map((_, i) => i).filter(i => i % 2 === 0)
    expect(sitesOf(selection, sites, tree, [...found, -1])).toEqual(found)
    const lit = treeNodesOf(selection, sites, tree, found)
    tree.site.forEach((site, node) => expect(lit.has(node)).toBe(site >= 0 && site % 2 === 0))
    const place = placeOf(selection, sites, tree, found)
    if (place) expect(found.some(i => sites.file[i] === place.file && sites.line[i] === place.line)).toBe(true)
    expect(chosenBy(selection, sites, tree)).toEqual({ sites: [] })
  })

  test('a selection leads to a line of one of its sites', () => {
    const place = placeOf({ kind: 'sites', sites: [0] }, sites, tree)
    expect(place).toEqual(sites.line[0] > 0 ? { file: sites.file[0], line: sites.line[0] } : null)
  })

  test('the address holds every selection', () => {
    const all: readonly Selection[] = [
      nothing,
      { kind: 'sites', sites: [0, 3] },
      { kind: 'line', file: sites.file[0], line: sites.line[0] },
      { kind: 'node', function: sites.function[0], node: sites.node[0] },
      { kind: 'tree', tree: 4 },
      { kind: 'span', span: 12, site: 0, tree: -1, task: -1 },
      { kind: 'spans', query: { least: 1, most: undefined, begin: -5, end: undefined, thread: 0, sites: undefined } },
      { kind: 'spans', query: { least: undefined, most: 9, begin: undefined, end: 8, thread: undefined, sites: [] } },
      { kind: 'spans', query: { least: 0, most: 9, begin: 3, end: 8, thread: undefined, sites: [0, 2] } },
    ]
    for (const selection of all) expect(readSelection(selectionText(selection))).toEqual(selection)
  })
})

test.each(['', 'x', 'tree:', 'tree:x', 'span:1', 'sites:1.x', 'line:5e400:a', 'tree:1.5.'])(
  'an address that says %j selects nothing or something whole', text => {
    const { sites, tree } = randomTrace(1)
    expect(() => treeNodesOf(readSelection(text), sites, tree)).not.toThrow()
  })
