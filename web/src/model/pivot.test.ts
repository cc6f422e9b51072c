import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Sites } from '../api/types'
import { pivot, pivots } from './pivot'

const site = fc.record({
  name: fc.constantFrom('dot', 'inv', ''), category: fc.constantFrom('step', 'wait'), function: fc.constantFrom('f', 'g'),
  file: fc.constantFrom('a/x.py', 'b/x.py', ''), line: fc.nat(3), count: fc.nat(3), total: fc.nat(99), self: fc.nat(99),
})
const sites: fc.Arbitrary<Sites> = fc.array(site, { minLength: 1, maxLength: 20 }).map(rows => {
  const column = <K extends keyof (typeof rows)[0]>(key: K) => rows.map(r => r[key])
  const zeros = rows.map(() => 0)
  return {
    name: column('name'), category: column('category'), function: column('function'), file: column('file'), line: column('line'),
    count: column('count'), total: column('total'), self: column('self'), column: zeros, node: zeros, text: rows.map(() => ''),
    least: zeros, median: zeros, p99: zeros, most: zeros, bytes: zeros, flops: zeros,
  }
})

test('however sites are put together, each that has spans is in one group and no time is lost', () => {
  fc.assert(fc.property(sites, fc.constantFrom(...pivots), (s, by) => {
    const rows = pivot(s, by, () => true)
    const used = s.count.flatMap((n, i) => (n ? [i] : []))
    expect(rows.flatMap(r => r.sites).sort((a, b) => a - b)).toEqual(used)
    expect(rows.reduce((sum, r) => sum + r.self, 0)).toBe(used.reduce((sum, i) => sum + s.self[i], 0))
    if (by === 'file' || by === 'function') for (const r of rows) expect(new Set(r.sites.map(i => s[by][i])).size).toBe(1)
  }))
})
