import { expect, test } from 'vitest'
import type { Sites } from '../api/types'
import { roofline } from './roofline'

test('a site stands at its speed over its operations a byte, under the best of all', () => {
  const sites = { name: ['a', 'b', 'silent'], total: [1e9, 2e9, 5], bytes: [100, 1000, 0], flops: [50, 4000, 7] } as unknown as Sites

  const found = roofline(sites)

  expect(found.points).toEqual([
    { site: 1, intensity: 4, speed: 2000, time: 2e9 },
    { site: 0, intensity: 0.5, speed: 50, time: 1e9 },
  ])
  expect([found.bandwidth, found.speed]).toEqual([500, 2000])
})
