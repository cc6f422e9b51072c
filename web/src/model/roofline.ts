// The roofline model (Williams, Waterman, Patterson, 2009): how fast each site was, over how much it does with
// a byte. The roof is the best that this run reached; a machine may do better.
import type { Sites } from '../api/types'

export interface Point {
  readonly site: number
  readonly intensity: number // operations a byte
  readonly speed: number // operations a second
  readonly time: number // nanoseconds
}

export interface Roofline {
  readonly points: readonly Point[]
  readonly bandwidth: number // bytes a second
  readonly speed: number
}

export function roofline(sites: Sites): Roofline {
  const points: Point[] = []
  let bandwidth = 0
  let speed = 0
  sites.name.forEach((_, site) => {
    const seconds = sites.total[site] / 1e9
    if (!(sites.bytes[site] > 0 && sites.flops[site] > 0 && seconds > 0)) return
    bandwidth = Math.max(bandwidth, sites.bytes[site] / seconds)
    speed = Math.max(speed, sites.flops[site] / seconds)
    points.push({
      site, intensity: sites.flops[site] / sites.bytes[site], speed: sites.flops[site] / seconds, time: sites.total[site],
    })
  })
  points.sort((a, b) => b.time - a.time)
  return { points, bandwidth, speed }
}
