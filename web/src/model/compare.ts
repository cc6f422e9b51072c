// Two runs side by side: sites are the same if name, place and PhySL are.
import type { Sites } from '../api/types'

export interface Pair {
  readonly mine: number // row of the first; -1: only the other has it
  readonly other: number // row of the other; -1: only the first has it
}

function keyOf(sites: Sites, i: number): string {
  const file = sites.file[i].split('/').pop()
  return [sites.name[i], file, sites.function[i], sites.line[i], sites.column[i], sites.text[i]].join('\n')
}

// Every site that ran in one of them, once: first those of the first, in their order.
export function align(mine: Sites, other: Sites): readonly Pair[] {
  const rows = new Map<string, number[]>()
  other.name.forEach((_, i) => {
    if (other.count[i] === 0) return
    const key = keyOf(other, i)
    const list = rows.get(key)
    if (list) list.push(i)
    else rows.set(key, [i])
  })
  const pairs: Pair[] = []
  mine.name.forEach((_, i) => {
    if (mine.count[i] > 0) pairs.push({ mine: i, other: rows.get(keyOf(mine, i))?.shift() ?? -1 })
  })
  for (const rest of rows.values()) for (const i of rest) pairs.push({ mine: -1, other: i })
  return pairs
}
