import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { rates, stacked } from './counters'

const series = fc.array(fc.option(fc.integer({ min: 0, max: 1000 }), { nil: null }), { minLength: 8, maxLength: 8 })

test('rates times the time between give the whole change back', () => {
  fc.assert(fc.property(series, values => {
    const known = values.flatMap((v, i) => (v === null ? [] : [{ v, i }]))
    const found = rates(values, 1e9)
    let sum = 0
    known.forEach(({ i }, k) => (sum += k ? found[i]! * (i - known[k - 1].i) : 0))
    if (known.length > 1) expect(sum).toBeCloseTo(known[known.length - 1].v - known[0].v, 6)
    values.forEach((v, i) => v === null && expect(found[i]).toBeNull())
  }))
})

test('the top of a stack is the sum where all are known, and no layer falls below the one under it', () => {
  fc.assert(fc.property(fc.array(series, { minLength: 1, maxLength: 4 }), all => {
    const layers = stacked(all)
    for (let i = 0; i < 8; i++) {
      if (all.every(s => s[i] !== null)) expect(layers[layers.length - 1][i]).toBe(all.reduce((sum, s) => sum + s[i]!, 0))
      layers.forEach((layer, k) => k && expect(layer[i]).toBeGreaterThanOrEqual(layers[k - 1][i]!))
    }
  }))
})
