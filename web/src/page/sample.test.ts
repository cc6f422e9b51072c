import { expect, test } from 'vitest'
import { embeddedSource } from '../api/embedded'
import { sampleTrace } from './sample'

const data = sampleTrace()

test('the spans of a track do not overlap, and lie within their parents', () => {
  const { begin, duration, track, parent } = data.spans
  begin.forEach((from, i) => {
    if (i > 0 && track[i - 1] === track[i]) expect(from).toBeGreaterThanOrEqual(begin[i - 1] + duration[i - 1])
    if (parent[i] < 0) return
    expect(from).toBeGreaterThanOrEqual(begin[parent[i]])
    expect(from + duration[i]).toBeLessThanOrEqual(begin[parent[i]] + duration[parent[i]])
  })
})

test('tasks begin after what they wait for, and the longest of each step is the critical path', async () => {
  for (const [from, to] of data.edges) expect(data.tasks[from].end).toBeLessThanOrEqual(data.tasks[to].begin)
  const path = data.critical.path
  expect(path.length).toBe(36)
  path.forEach((t, i) => i && expect(t.begin).toBeGreaterThanOrEqual(path[i - 1].end))
})

test('figures of sites are those of their spans', async () => {
  data.sites.name.forEach((_, site) => {
    const mine = data.spans.site.map((_, i) => i).filter(i => data.spans.site[i] === site)
    expect(data.sites.count[site]).toBe(mine.length)
    expect(data.sites.total[site]).toBe(mine.reduce((sum, i) => sum + data.spans.duration[i], 0))
  })
  const busy = await embeddedSource(data).busy('sample', { begin: 0, end: data.summary.length, bins: 10 }, { sites: [2] })
  expect(Math.max(...busy.all)).toBeLessThanOrEqual(1)
  expect(Math.max(...busy.lit)).toBeGreaterThan(0.1)
})
