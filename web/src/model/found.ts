// Figures of a set of spans that was found.
import type { FoundSpans, Summary } from '../api/types'

// The share of the threads that these spans keep busy, over the whole run; a span inside another counts with it.
export function busyShare(found: FoundSpans, summary: Summary, bins: number): readonly number[] {
  const width = Math.max(summary.length, 1) / bins
  const busy = new Float64Array(bins)
  const until = new Map<number, number>() // where the last span of a thread ended that stood in no other
  for (const i of [...found.begin.keys()].sort((a, b) => found.begin[a] - found.begin[b] || found.depth[a] - found.depth[b])) {
    const [begin, end] = [found.begin[i], found.begin[i] + found.duration[i]]
    if (end <= (until.get(found.thread[i]) ?? -1)) continue
    until.set(found.thread[i], end)
    for (let b = Math.max(Math.floor(begin / width), 0); b < bins && b * width < end; b++) {
      busy[b] += Math.min(end, (b + 1) * width) - Math.max(begin, b * width)
    }
  }
  const threads = Math.max(summary.tracks.filter(t => t.depth === 0).length, 1)
  return Array.from(busy, ns => Math.min(ns / width / threads, 1))
}
