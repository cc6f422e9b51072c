import { useComputed, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { largest } from '../base/largest'
import { count, duration } from '../base/units'
import { litTree, loaded, select } from '../model/state'
import { childrenOf } from '../model/tree'
import { pressing, SiteName } from './widgets'

const openLevels = 4
const mostRows = 500

// The tree as lines of text, which open and close.
export function TreeList() {
  const body = useRef<HTMLDivElement>(null)
  const turned = useSignal<ReadonlySet<number>>(new Set())
  const children = useComputed(() => (loaded.value ? childrenOf(loaded.value.tree) : new Map<number, readonly number[]>()))
  const rows = useComputed(() => {
    const found: { node: number; depth: number; open: boolean }[] = []
    const tree = loaded.value?.tree
    if (!tree) return found
    const needed = new Set<number>() // above what is lit: open, so that it is seen
    for (const node of litTree.value) {
      for (let p = tree.parent[node]; p >= 0 && !needed.has(p); p = tree.parent[p]) needed.add(p)
    }
    const walk = (node: number, depth: number) => {
      if (found.length >= mostRows) return
      const open = turned.value.has(node) ? depth >= openLevels : depth < openLevels
      const shown = open || needed.has(node)
      found.push({ node, depth, open: shown })
      if (shown) for (const child of children.value.get(node) ?? []) walk(child, depth + 1)
    }
    for (const root of children.value.get(-1) ?? []) walk(root, 0)
    return found
  })
  const first = [...litTree.value][0]
  useEffect(() => {
    body.current?.querySelector('.lit')?.scrollIntoView({ block: 'center' })
  }, [first])
  const now = loaded.value
  if (!now) return null
  const { tree } = now
  const most = largest((children.value.get(-1) ?? []).map(n => tree.total[n]), 1)
  const turn = (node: number) => {
    const next = new Set(turned.value)
    if (!next.delete(node)) next.add(node)
    turned.value = next
  }
  return (
    <div class="scroll text tree" ref={body} role="tree" aria-label="tree of calls">
      {rows.value.map(({ node, depth, open }) => {
        const inside = children.value.get(node)?.length ?? 0
        return (
          <div key={node} role="treeitem" aria-level={depth + 1} aria-expanded={inside ? open : undefined} aria-selected={litTree.value.has(node)}
            class={`line known${litTree.value.has(node) ? ' lit' : ''}`} data-tree={node}
            {...pressing(() => select({ kind: 'tree', tree: node }))}>
            <span class="heat" style={{ '--heat': Math.min(tree.total[node] / most, 1) }} title="with all below">{duration(tree.total[node])}</span>
            <span class="number" title="own time">{duration(tree.self[node])}</span>
            <span style={{ paddingLeft: `${depth * 14}px` }}>
              <span class="fold" aria-hidden="true" style={{ visibility: inside ? 'visible' : 'hidden' }}
                onClick={event => {
                  event.stopPropagation()
                  turn(node)
                }}>{open ? '▾' : '▸'}</span>
              <SiteName site={tree.site[node]} />
              <span class="faint"> × {count(tree.count[node])}</span>
            </span>
          </div>
        )
      })}
      {rows.value.length >= mostRows && <p class="faint note">The first {mostRows} lines; the icicle shows all of it.</p>}
    </div>
  )
}
