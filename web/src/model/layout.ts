// Where the views lie: groups of tabs, and splits of two, as a tree. Every change makes a new tree.
export const viewNames = [
  'gantt', 'source', 'physl', 'tree', 'sites', 'details', 'counters', 'critical', 'histogram', 'roofline',
  'compare', 'plan', 'instances', 'graph', 'messages', 'log', 'sql', 'jobs',
] as const
export type ViewName = (typeof viewNames)[number]

export interface Group {
  readonly kind: 'group'
  readonly views: readonly ViewName[]
  readonly active: ViewName
}
export interface Split {
  readonly kind: 'row' | 'column'
  readonly share: number // of the first, in per cent
  readonly first: Layout
  readonly second: Layout
}
export type Layout = Group | Split
export type Where = 'tab' | 'left' | 'right' | 'above' | 'below'
// Which way to go at each split, from the root on.
export type Path = readonly ('first' | 'second')[]

const leastShare = 8

export const usual: Layout = {
  kind: 'row', share: 61,
  first: {
    kind: 'column', share: 53,
    first: group('gantt'),
    second: group('sites', 'details', 'counters', 'critical', 'histogram', 'roofline'),
  },
  second: group('source', 'physl', 'tree'),
}

export function group(...views: readonly ViewName[]): Group {
  return { kind: 'group', views, active: views[0] }
}

export function groupsOf(layout: Layout): readonly Group[] {
  return layout.kind === 'group' ? [layout] : [...groupsOf(layout.first), ...groupsOf(layout.second)]
}

export function shownIn(layout: Layout): readonly ViewName[] {
  return groupsOf(layout).map(g => g.active)
}

// Each group by what `change` makes of it; where that is nothing, its neighbour takes the room.
function mapGroups(layout: Layout, change: (g: Group) => Layout | null): Layout | null {
  if (layout.kind === 'group') return change(layout)
  const [first, second] = [mapGroups(layout.first, change), mapGroups(layout.second, change)]
  return first && second ? { ...layout, first, second } : (first ?? second)
}

// Shows a view: where it is, else beside `near`, else in the last group.
export function openView(layout: Layout, view: ViewName, near?: ViewName): Layout {
  const groups = groupsOf(layout)
  if (groups.some(g => g.views.includes(view))) {
    return mapGroups(layout, g => (g.views.includes(view) ? { ...g, active: view } : g))!
  }
  const home = groups.find(g => near && g.views.includes(near)) ?? groups[groups.length - 1]
  return mapGroups(layout, g => (g === home ? { ...g, views: [...g.views, view], active: view } : g))!
}

// Without a view. The last one stays: an empty page helps nobody.
export function closeView(layout: Layout, view: ViewName): Layout {
  const without = mapGroups(layout, g => {
    if (!g.views.includes(view)) return g
    const views = g.views.filter(v => v !== view)
    const at = g.views.indexOf(view)
    const active = g.active === view ? views[Math.min(at, views.length - 1)] : g.active
    return views.length ? { ...g, views, active } : null
  })
  return without ?? layout
}

// A view goes into the group of another, or beside it.
export function moveView(layout: Layout, view: ViewName, target: ViewName, where: Where): Layout {
  const home = groupsOf(layout).find(g => g.views.includes(target))
  if (!home || (view === target && (where === 'tab' || home.views.length === 1))) return layout
  const anchor = view === target ? home.views.find(v => v !== view)! : target
  const without = closeView(layout, view)
  if (groupsOf(without).some(g => g.views.includes(view))) return layout
  return mapGroups(without, g => {
    if (!g.views.includes(anchor)) return g
    if (where === 'tab') return { ...g, views: [...g.views, view], active: view }
    const kind = where === 'left' || where === 'right' ? 'row' : 'column'
    const isFirst = where === 'left' || where === 'above'
    return { kind, share: 50, first: isFirst ? group(view) : g, second: isFirst ? g : group(view) }
  })!
}

export function withShare(layout: Layout, path: Path, share: number): Layout {
  if (layout.kind === 'group') return layout
  const [way, ...rest] = path
  if (!way) return { ...layout, share: Math.round(Math.min(Math.max(share, leastShare), 100 - leastShare)) }
  return { ...layout, [way]: withShare(layout[way], rest, share) }
}

// As text for the address: a split stands before its two parts ("r61-gantt-source.tree*1").
export function layoutText(layout: Layout): string {
  if (layout.kind === 'group') {
    const at = layout.views.indexOf(layout.active)
    return layout.views.join('.') + (at > 0 ? `*${at}` : '')
  }
  return `${layout.kind === 'row' ? 'r' : 'c'}${layout.share}-${layoutText(layout.first)}-${layoutText(layout.second)}`
}

// What an address says; null where it says nothing that can be shown. Views that this page does not
// know are left out, and none is shown twice.
export function readLayout(text: string): Layout | null {
  const parts = text.split('-')
  const seen = new Set<string>()
  const read = (): Layout | null => {
    const part = parts.shift()
    if (part === undefined) return null
    const split = /^([rc])(\d+)$/.exec(part)
    if (!split) {
      const [names, active] = part.split('*')
      const wanted = names.split('.')
      const views = viewNames.filter(v => wanted.includes(v) && !seen.has(v)).sort((a, b) => wanted.indexOf(a) - wanted.indexOf(b))
      views.forEach(v => seen.add(v))
      return views.length ? { kind: 'group', views, active: views.find(v => v === wanted[Number(active ?? 0)]) ?? views[0] } : null
    }
    const [first, second] = [read(), read()]
    if (!first || !second) return first ?? second
    return withShare({ kind: split[1] === 'r' ? 'row' : 'column', share: 50, first, second }, [], Number(split[2]))
  }
  return read()
}
