// Sites put together by what they have in common: the sums of their figures.
import type { Sites } from '../api/types'
import { largest } from '../base/largest'

export const pivots = ['site', 'name', 'line', 'file', 'function', 'category'] as const
export type Pivot = (typeof pivots)[number]

// Of a group of several, what half or nearly all spans took less than is not known (NaN).
export interface SiteRow {
  readonly sites: readonly number[]
  readonly name: string
  readonly where: string
  readonly count: number
  readonly total: number
  readonly self: number
  readonly median: number
  readonly p99: number
  readonly most: number
  readonly bytes: number
  readonly flops: number
}

const base = (file: string) => file.split('/').pop() ?? ''
const place = (sites: Sites, i: number) => (sites.line[i] > 0 ? `${base(sites.file[i])}:${sites.line[i]}` : '-')

function keyOf(sites: Sites, i: number, by: Pivot): string {
  switch (by) {
    case 'site': return String(i)
    case 'line': return sites.line[i] > 0 ? `${sites.file[i]}:${sites.line[i]}` : ''
    default: return sites[by][i]
  }
}

// A row for each group of sites that have spans; `holds` says which sites count.
export function pivot(sites: Sites, by: Pivot, holds: (site: number) => boolean): readonly SiteRow[] {
  const groups = new Map<string, number[]>()
  sites.name.forEach((_, i) => {
    if (!sites.count[i] || !holds(i)) return
    const key = keyOf(sites, i, by)
    const group = groups.get(key)
    if (group) group.push(i)
    else groups.set(key, [i])
  })
  return [...groups].map(([key, group]) => {
    const [first] = group
    const sum = (of: readonly number[]) => group.reduce((all, i) => all + of[i], 0)
    const alone = group.length === 1
    const title = by === 'site' ? sites.name[first] || sites.text[first] || 'unnamed' : by === 'line' || by === 'file' ? base(key) : key
    return {
      sites: group, name: title || 'none', where: alone || by === 'line' ? place(sites, first) : `${group.length} sites`,
      count: sum(sites.count), total: sum(sites.total), self: sum(sites.self),
      median: alone ? sites.median[first] : NaN, p99: alone ? sites.p99[first] : NaN,
      most: largest(group.map(i => sites.most[i]), 0), bytes: sum(sites.bytes), flops: sum(sites.flops),
    }
  })
}
