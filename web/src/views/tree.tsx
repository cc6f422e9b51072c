import { loaded, optionOf, setOption } from '../model/state'
import { TreeDiagram } from './tree-diagram'
import { TreeIcicle } from './tree-icicle'
import { TreeList } from './tree-list'
import { Choice } from './widgets'

const shapes = { list: 'list', icicle: 'icicle', diagram: 'diagram' } as const
const colourings = { site: 'site', own: 'own time', count: 'count', mean: 'mean time' } as const
const sizes = { time: 'time', count: 'count' } as const

export type TreeColour = keyof typeof colourings
const keys = <T extends string>(table: Readonly<Record<T, string>>) => Object.keys(table) as T[]

// Calls by the calls around them. Click a node to light up what ran there and below.
export function TreeView() {
  const now = loaded.value
  if (!now) return null
  if (!now.tree.parent?.length) return <p class="empty">Nothing was called in this trace.</p>
  const shape = optionOf('tree.as', keys(shapes))
  const colour = optionOf('tree.colour', keys(colourings))
  const size = optionOf('tree.size', keys(sizes))
  return (
    <div class="fill">
      <div class="bar">
        <Choice label="as" table={shapes} value={shape} set={to => setOption('tree.as', to)} />
        {shape !== 'list' && <Choice label="colour" table={colourings} value={colour} set={to => setOption('tree.colour', to)} />}
        {shape !== 'list' && <Choice label="size" table={sizes} value={size} set={to => setOption('tree.size', to)} />}
      </div>
      {shape === 'list' && <TreeList />}
      {shape === 'icicle' && <TreeIcicle colour={colour} size={size} />}
      {shape === 'diagram' && <TreeDiagram colour={colour} size={size} />}
    </div>
  )
}
