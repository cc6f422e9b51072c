// A graph as columns: what comes after stands to the right. (Sugiyama, Tagawa, Toda, "Methods for visual
// understanding of hierarchical system structures", 1981: layers, then order by the middle of the neighbours.)
export interface Node2d {
  readonly column: number
  readonly row: number
}

const sweeps = 6

// Where each of `count` nodes stands. Edges lead from a column to a later one, but in circles, which a damaged
// trace may have.
export function layered(count: number, from: readonly number[], to: readonly number[]): readonly Node2d[] {
  const after: number[][] = Array.from({ length: count }, () => [])
  const before: number[][] = Array.from({ length: count }, () => [])
  from.forEach((a, e) => {
    if (a === to[e]) return
    after[a].push(to[e])
    before[to[e]].push(a)
  })
  const column = columnsOf(after, before)
  const columns: number[][] = []
  column.forEach((c, node) => {
    while (columns.length <= c) columns.push([])
    columns[c].push(node)
  })
  const row = new Array<number>(count).fill(0)
  columns.forEach(nodes => nodes.forEach((node, i) => (row[node] = i - (nodes.length - 1) / 2)))
  for (let sweep = 0; sweep < sweeps; sweep++) {
    const forward = sweep % 2 === 0
    for (const nodes of forward ? columns : [...columns].reverse()) arrange(nodes, forward ? before : after, row)
  }
  const least = row.reduce((m, r) => Math.min(m, r), 0)
  return column.map((c, node) => ({ column: c, row: row[node] - least }))
}

// The longest way from where nothing comes before.
function columnsOf(after: readonly (readonly number[])[], before: readonly (readonly number[])[]): number[] {
  const waits = before.map(list => list.length)
  const column = new Array<number>(after.length).fill(0)
  const ready = waits.flatMap((n, node) => (n === 0 ? [node] : []))
  const done = new Set<number>()
  for (;;) {
    // From here on only circles may be left: one of them begins somewhere.
    const node = ready.pop() ?? waits.findIndex((_, n) => !done.has(n))
    if (node < 0) return column
    if (done.has(node)) continue
    done.add(node)
    for (const next of after[node]) {
      if (done.has(next)) continue
      column[next] = Math.max(column[next], column[node] + 1)
      if (--waits[next] === 0) ready.push(next)
    }
  }
}

// A column in the order of the middles of its neighbours, each in a row of its own around their common middle.
function arrange(nodes: number[], neighbours: readonly (readonly number[])[], row: number[]): void {
  const middle = (node: number) => {
    const list = neighbours[node]
    return list.length ? list.reduce((sum, n) => sum + row[n], 0) / list.length : row[node]
  }
  const wanted = new Map(nodes.map(node => [node, middle(node)]))
  nodes.sort((a, b) => wanted.get(a)! - wanted.get(b)! || a - b)
  const centre = nodes.reduce((sum, node) => sum + wanted.get(node)!, 0) / nodes.length
  nodes.forEach((node, i) => (row[node] = centre + i - (nodes.length - 1) / 2))
}
