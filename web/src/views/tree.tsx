import { useComputed, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { largest } from '../base/largest'
import { count, duration } from '../base/units'
import { loaded, select, selection } from '../model/state'
import { treeNodesOf } from '../model/selection'
import { colours } from './gantt'

const openLevels = 4
const mostRows = 500

// Calls by the calls around them, with their time. Click a node to light up what ran there and below.
export function TreeView() {
  const body = useRef<HTMLDivElement>(null)
  const turned = useSignal<ReadonlySet<number>>(new Set())
  const children = useComputed(() => {
    const lists = new Map<number, number[]>()
    const tree = loaded.value?.tree
    tree?.parent.forEach((parent, node) => {
      const list = lists.get(parent) ?? []
      list.push(node)
      lists.set(parent, list)
    })
    for (const list of lists.values()) list.sort((a, b) => tree!.total[b] - tree!.total[a])
    return lists
  })
  const lit = useComputed(() => {
    const now = loaded.value
    return now ? treeNodesOf(selection.value, now.sites, now.tree) : new Set<number>()
  })
  const rows = useComputed(() => {
    const found: { node: number; depth: number }[] = []
    const tree = loaded.value?.tree
    if (!tree) return found
    const needed = new Set<number>() // above what is lit: open, so that it is seen
    for (const node of lit.value) {
      for (let p = tree.parent[node]; p >= 0 && !needed.has(p); p = tree.parent[p]) needed.add(p)
    }
    const walk = (node: number, depth: number) => {
      if (found.length >= mostRows) return
      found.push({ node, depth })
      const open = turned.value.has(node) ? depth >= openLevels : depth < openLevels
      if (open || needed.has(node)) for (const child of children.value.get(node) ?? []) walk(child, depth + 1)
    }
    for (const root of children.value.get(-1) ?? []) walk(root, 0)
    return found
  })
  const first = [...lit.value][0]
  useEffect(() => {
    body.current?.querySelector('.lit')?.scrollIntoView({ block: 'center' })
  }, [first])
  const now = loaded.value
  if (!now) return null
  const { tree, sites } = now
  if (!rows.value.length) return <p class="empty">Nothing was called in this trace.</p>
  const most = largest((children.value.get(-1) ?? []).map(n => tree.total[n]), 1)
  const turn = (node: number) => {
    const next = new Set(turned.value)
    if (!next.delete(node)) next.add(node)
    turned.value = next
  }
  return (
    <div class="scroll text tree" ref={body} role="tree">
      {rows.value.map(({ node, depth }) => {
        const inside = children.value.get(node)?.length ?? 0
        const site = tree.site[node]
        return (
          <div key={node} role="treeitem" class={`line known${lit.value.has(node) ? ' lit' : ''}`} data-tree={node}
            onClick={() => select({ kind: 'tree', tree: node })}>
            <span class="heat" style={{ '--heat': Math.min(tree.total[node] / most, 1) }}>{duration(tree.total[node])}</span>
            <span class="number" title="own time">{duration(tree.self[node])}</span>
            <span style={{ paddingLeft: `${depth * 14}px` }}>
              <button class="fold" aria-label="open or close" style={{ visibility: inside ? 'visible' : 'hidden' }}
                onClick={event => {
                  event.stopPropagation()
                  turn(node)
                }}>▸</button>
              <i class="swatch" style={{ background: colours.value[site] }} />
              {site >= 0 ? sites.name[site] || sites.text[site] : 'unknown'}
              <span class="faint"> × {count(tree.count[node])}</span>
            </span>
          </div>
        )
      })}
    </div>
  )
}
