import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Bars } from './bars'

const place = fc.integer({ min: -5, max: 45 })
const bar = fc.record({
  left: place, right: place, top: place, bottom: place, alpha: fc.constantFrom(1, 0.22),
  colour: fc.constantFrom('#4477aa', '#ff0000', '#000000', '#00ff00', '#0000ff'),
})

test('each pixel is that of the last bar over it', () => {
  fc.assert(fc.property(fc.array(bar, { maxLength: 8 }), list => {
    const bars = new Bars(40, 30)
    for (const b of list) bars.fill(b.left, b.right, b.top, b.bottom, b.colour, b.alpha)

    for (let y = 0; y < 30; y++) {
      for (let x = 0; x < 40; x++) {
        const last = list.filter(b => x >= b.left && x < b.right && y >= b.top && y < b.bottom).at(-1)
        const [r, g, b] = [1, 3, 5].map(i => parseInt(last?.colour.slice(i, i + 2) ?? '0', 16))
        const alpha = last ? Math.round(last.alpha * 255) : 0
        expect(bars.at(x, y)).toBe(((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0)
      }
    }
    bars.clear()
    expect(bars.at(3, 3)).toBe(0)
  }), { numRuns: 40 })
})
