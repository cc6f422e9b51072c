import { expect, test } from 'vitest'
import { group } from './layout'
import { marked, layout, options, otherId, readView, selection, theme, traceId, viewText, visible, within } from './state'

test('the address holds the view, and restores it', () => {
  traceId.value = 'ab12'
  visible.value = { begin: 0, end: 1 }
  selection.value = { kind: 'line', file: 'a & b #?.py', line: 7 }
  marked.value = { begin: 3, end: 90 }
  layout.value = group('histogram', 'tree')
  options.value = { 'tree.as': 'icicle' }
  theme.value = 'dark'
  otherId.value = 'cd34'

  expect(readView(`#${viewText()}`)).toEqual({
    trace: 'ab12', time: null, selection: selection.value, mark: { begin: 3, end: 90 },
    layout: group('histogram', 'tree'), options: { 'tree.as': 'icicle' }, other: 'cd34', theme: 'dark',
  })
})

test('an address of another version gives the default view', () => {
  const view = readView('#time=9..1&side=nothing&views=r5&selected=x:1&theme=pink')

  expect(view).toEqual({
    trace: '', time: null, selection: { kind: 'none' }, mark: null, layout: null, options: {}, other: '', theme: '',
  })
})

test('a window stays near the trace and is never empty', () => {
  expect(within({ begin: 50, end: 50 }, 1000)).toEqual({ begin: 45, end: 55 })
  expect(within({ begin: -900, end: -800 }, 1000)).toEqual({ begin: -50, end: 50 })
  const wide = within({ begin: -1e9, end: 1e9 }, 1000)
  expect(wide.end - wide.begin).toBe(1200)
})
