import { useComputed } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { scaleColour } from '../base/colours'
import { count, duration } from '../base/units'
import { litTree, loaded, select } from '../model/state'
import { diagram, metricOf, mostOf } from '../model/tree'
import { colours } from './colours'
import type { TreeColour } from './tree'
import { heatOf, valueText } from './tree-icicle'
import { pressing, ScaleKey } from './widgets'

const mostNodes = 200
const [column, row, margin] = [190, 22, 14]

// Nodes with links, the root on the left; as large as their time or their number.
export function TreeDiagram({ colour, size }: { readonly colour: TreeColour; readonly size: 'time' | 'count' }) {
  const body = useRef<HTMLDivElement>(null)
  const placed = useComputed(() => (loaded.value ? diagram(loaded.value.tree, mostNodes) : []))
  const first = [...litTree.value][0]
  useEffect(() => {
    body.current?.querySelector('.chosen')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [first])
  const now = loaded.value
  if (!now) return null
  const { tree, sites } = now
  const of = new Map(placed.value.map(p => [p.node, p]))
  const most = colour === 'site' ? 1 : mostOf(tree, colour)
  const largestSize = mostOf(tree, size)
  const x = (depth: number) => margin + depth * column
  const y = (at: number) => margin + at * row
  const width = x(placed.value.reduce((d, p) => Math.max(d, p.depth), 0)) + column
  const height = y(placed.value.reduce((r, p) => Math.max(r, p.row), 0)) + margin
  const hidden = tree.parent.length - placed.value.length
  return (
    <div class="scroll" ref={body}>
      {(colour !== 'site' || hidden > 0) && (
        <div class="bar faint">
          {colour !== 'site' && <ScaleKey least={valueText(colour, most / 1e5)} most={valueText(colour, most)} />}
          {hidden > 0 && `the ${mostNodes} nodes with the most time; ${count(hidden)} are left out`}
        </div>
      )}
      <svg class="diagram" width={width} height={height} role="tree" aria-label="tree of calls">
        {placed.value.map(p => {
          const parent = of.get(tree.parent[p.node])
          return parent && (
            <path key={`l${p.node}`} class="link"
              d={`M${x(parent.depth)},${y(parent.row)} C${x(parent.depth) + column / 2},${y(parent.row)} ${x(p.depth) - column / 2},${y(p.row)} ${x(p.depth)},${y(p.row)}`} />
          )
        })}
        {placed.value.map(p => {
          const site = tree.site[p.node]
          const fill = colour === 'site' ? (colours.value[site] ?? '#9aa0a6') : scaleColour(heatOf(metricOf(tree, colour, p.node), most))
          const name = site >= 0 ? sites.name[site] || sites.text[site] : 'unknown'
          const shown = name.length > 22 ? `${name.slice(0, 21)}…` : name
          return (
            <g key={p.node} class={`node${litTree.value.has(p.node) ? ' chosen lit' : ''}`} data-tree={p.node} role="treeitem"
              aria-level={p.depth + 1} aria-label={`${name}, ${duration(tree.total[p.node])}`} aria-selected={litTree.value.has(p.node)}
              transform={`translate(${x(p.depth)},${y(p.row)})`} {...pressing(() => select({ kind: 'tree', tree: p.node }))}>
              <title>{`${name}\n${duration(tree.total[p.node])}, own ${duration(tree.self[p.node])}, × ${count(tree.count[p.node])}${p.hidden ? `\n${p.hidden} below are not shown` : ''}`}</title>
              <circle r={3 + 6 * Math.sqrt(metricOf(tree, size, p.node) / largestSize)} fill={fill} />
              <text x={12} y={4}>{shown}<tspan class="faint"> {valueText(size, metricOf(tree, size, p.node))}{p.hidden ? ` +${p.hidden}` : ''}</tspan></text>
            </g>
          )
        })}
      </svg>
    </div>
  )
}
