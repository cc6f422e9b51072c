import { expect, test } from 'vitest'
import type { Sites } from '../api/types'
import { align } from './compare'

function sites(...rows: readonly (readonly [name: string, line: number, count: number])[]): Sites {
  const zeros = rows.map(() => 0)
  const words = rows.map(() => '')
  return {
    name: rows.map(r => r[0]), line: rows.map(r => r[1]), count: rows.map(r => r[2]), file: rows.map((_, i) => `/at/${i}/a.py`),
    category: words, function: words, text: words, column: zeros, node: zeros, total: zeros, self: zeros, least: zeros,
    median: zeros, p99: zeros, most: zeros, bytes: zeros, flops: zeros,
  }
}

test('sites are found by name and place, wherever the file lies', () => {
  const pairs = align(sites(['dot', 3, 1], ['exp', 4, 1]), sites(['exp', 4, 2], ['dot', 3, 1]))

  expect(pairs).toEqual([{ mine: 0, other: 1 }, { mine: 1, other: 0 }])
})

test('every site that ran stands once, also what only one of them has', () => {
  const pairs = align(sites(['a', 1, 1], ['a', 1, 1], ['idle', 2, 0]), sites(['a', 1, 1], ['new', 9, 5], ['idle', 2, 0]))

  expect(pairs).toEqual([{ mine: 0, other: 0 }, { mine: 1, other: -1 }, { mine: -1, other: 1 }])
})
