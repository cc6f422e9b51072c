import { useComputed } from '@preact/signals'
import { inkOn, scaleColour } from '../base/colours'
import { count, duration, percent } from '../base/units'
import { litTree, loaded, options, select, setOption } from '../model/state'
import { icicle, metricOf, mostOf, type TreeMetric } from '../model/tree'
import { colours } from './colours'
import type { TreeColour } from './tree'
import { ScaleKey } from './widgets'

const least = 0.0015 // of the width: what is narrower cannot be hit
const rowHeight = 22
const smallestLabel = 0.04

export const valueText = (metric: TreeMetric, value: number) => (metric === 'count' ? count(Math.round(value)) : duration(value))

// By powers: times of calls differ by a factor of a million.
export function heatOf(value: number, most: number): number {
  return value > 0 ? Math.max(1 + Math.log10(value / most) / 5, 0) : 0
}

// Boxes as wide as their time, below the box of the call around them. Double-click one to see it alone.
export function TreeIcicle({ colour, size }: { readonly colour: TreeColour; readonly size: 'time' | 'count' }) {
  const root = Number(options.value['tree.root'] ?? -1)
  const boxes = useComputed(() => (loaded.value ? icicle(loaded.value.tree, size, Number(options.value['tree.root'] ?? -1), least) : []))
  const now = loaded.value
  if (!now) return null
  const { tree, sites } = now
  const most = colour === 'site' ? 1 : mostOf(tree, colour)
  const all = boxes.value.filter(b => b.depth === 0).reduce((sum, b) => sum + (size === 'time' ? tree.total[b.node] : tree.count[b.node]), 0)
  const deepest = boxes.value.reduce((d, b) => Math.max(d, b.depth), 0)
  return (
    <div class="scroll icicle-room">
      {(root >= 0 || colour !== 'site') && (
        <div class="bar">
          {root >= 0 && <button class="plain" onClick={() => setOption('tree.root', '-1')}>◂ all calls</button>}
          {colour !== 'site' && <ScaleKey least={valueText(colour, most / 1e5)} most={valueText(colour, most)} />}
        </div>
      )}
      <div class="icicle" role="tree" aria-label="tree of calls" style={{ height: `${(deepest + 1) * rowHeight}px` }}>
        {boxes.value.map(({ node, depth, left, width }) => {
          const back = colour === 'site' ? (colours.value[tree.site[node]] ?? '#9aa0a6') : scaleColour(heatOf(metricOf(tree, colour, node), most))
          const name = tree.site[node] >= 0 ? sites.name[tree.site[node]] || sites.text[tree.site[node]] : 'unknown'
          const isLit = litTree.value.has(node)
          return (
            <div key={node} role="treeitem" aria-level={depth + 1} aria-selected={isLit} tabIndex={-1} data-tree={node}
              class={`box${isLit ? ' lit-box' : litTree.value.size ? ' pale' : ''}`}
              title={`${name} ${tree.site[node] >= 0 ? sites.text[tree.site[node]] : ''}\n${duration(tree.total[node])}, own ${duration(tree.self[node])}, × ${count(tree.count[node])}\n${percent((size === 'time' ? tree.total[node] : tree.count[node]) / Math.max(all, 1))} of what is shown`}
              style={{ left: `${100 * left}%`, width: `${100 * width}%`, top: `${depth * rowHeight}px`, background: back, color: inkOn(back) }}
              onClick={() => select({ kind: 'tree', tree: node })}
              onDblClick={() => setOption('tree.root', String(node))}>
              {width > smallestLabel ? name : ''}
            </div>
          )
        })}
      </div>
    </div>
  )
}
