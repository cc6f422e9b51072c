import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  closeView, group, groupsOf, type Layout, layoutText, moveView, openView, readLayout, shownIn, usual, type ViewName,
  viewNames, type Where, withShare,
} from './layout'

const view = fc.constantFrom(...viewNames)
const where = fc.constantFrom<Where>('tab', 'left', 'right', 'above', 'below')
type Step = (layout: Layout) => Layout
const step: fc.Arbitrary<Step> = fc.oneof(
  view.map((v): Step => l => openView(l, v)),
  fc.tuple(view, view).map(([v, near]): Step => l => openView(l, v, near)),
  view.map((v): Step => l => closeView(l, v)),
  fc.tuple(view, view, where).map(([v, t, w]): Step => l => moveView(l, v, t, w)),
  fc.tuple(fc.array(fc.constantFrom('first' as const, 'second' as const), { maxLength: 3 }), fc.integer({ min: -20, max: 120 }))
    .map(([path, share]): Step => l => withShare(l, path, share)),
)
const layout = fc.array(step, { maxLength: 30 }).map(steps => steps.reduce((l, s) => s(l), usual))
const all = (l: Layout): readonly ViewName[] => groupsOf(l).flatMap(g => g.views)

test('no view is ever shown twice, no group is empty, and each shows one of its own', () => {
  fc.assert(fc.property(layout, l => {
    expect(new Set(all(l)).size).toBe(all(l).length)
    for (const g of groupsOf(l)) expect(g.views).toContain(g.active)
  }))
})

test('the address holds every layout', () => {
  fc.assert(fc.property(layout, l => {
    expect(readLayout(layoutText(l))).toEqual(l)
  }))
})

test('a view that is opened is shown, and one that is closed is gone', () => {
  fc.assert(fc.property(layout, view, (l, v) => {
    expect(shownIn(openView(l, v))).toContain(v)
    if (all(l).length > 1) expect(all(closeView(l, v))).not.toContain(v)
  }))
})

test('moving keeps all views and shows the one that moved', () => {
  fc.assert(fc.property(layout, view, view, where, (l, v, target, w) => {
    const moved = moveView(openView(l, v), v, target, w)
    expect([...all(moved)].sort()).toEqual([...all(openView(l, v))].sort())
    expect(shownIn(moved)).toContain(v)
  }))
})

test('a view goes beside another', () => {
  expect(layoutText(moveView(group('gantt', 'source'), 'source', 'gantt', 'right'))).toBe('r50-gantt-source')
  expect(layoutText(moveView(group('gantt', 'source'), 'gantt', 'gantt', 'below'))).toBe('c50-source-gantt')
})

test('text of any kind is a layout or nothing', () => {
  fc.assert(fc.property(fc.string(), text => {
    const l = readLayout(text)
    if (l) expect(readLayout(layoutText(l))).toEqual(l)
  }))
  expect(readLayout('r50-nothing-gantt.gantt.tree*9')).toEqual(group('gantt', 'tree'))
  expect(readLayout('')).toBeNull()
})
