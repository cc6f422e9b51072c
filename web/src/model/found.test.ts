import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { FoundSpans, Summary } from '../api/types'
import { busyShare } from './found'

// A thread whose spans do not overlap, with the first of them inside a second one again.
const found = fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.nat(40)), { minLength: 1, maxLength: 10 }).map(parts => {
  let at = 0
  const spans = parts.map(([took, gap]) => {
    const begin = at + gap
    at = begin + took
    return { begin, took, depth: 0 }
  })
  return { spans: [...spans, { ...spans[0], depth: 1 }], length: at }
})

test('the share of time is that of the spans, each moment once', () => {
  fc.assert(fc.property(found, fc.integer({ min: 1, max: 50 }), ({ spans, length }, bins) => {
    const columns = { begin: spans.map(s => s.begin), duration: spans.map(s => s.took), depth: spans.map(s => s.depth), thread: spans.map(() => 3) }
    const summary = { length, tracks: [{ depth: 0 }, { depth: 1 }] } as unknown as Summary
    const share = busyShare(columns as unknown as FoundSpans, summary, bins)
    const whole = spans.filter(s => s.depth === 0).reduce((sum, s) => sum + s.took, 0)
    expect(share.reduce((sum, s) => sum + (s * length) / bins, 0)).toBeCloseTo(whole, 6)
  }))
})
