import { useEffect, useRef } from 'preact/hooks'
import { count, duration } from '../base/units'
import { layered } from '../model/layered'
import { focusTask, litSites, loaded, optionOf, select, selection, selectSpan, setOption, traceId } from '../model/state'
import { colours } from './colours'
import { report, useAnswer, useSource } from './context'
import { Choice, pressing } from './widgets'

const distances = { 1: '1 step', 2: '2 steps', 3: '3 steps', 5: '5 steps', 8: '8 steps' } as const
const farthest = () => String(optionOf('graph.distance', ['3', '1', '2', '5', '8'] as const)) as `${keyof typeof distances}`
const kinds = { waits: 'who waited for whom', makers: 'who made whom' } as const
const [column, row, margin, nodeWidth, nodeHeight] = [176, 40, 24, 132, 26]

interface Drawn {
  readonly key: number
  readonly site: number
  readonly title: string
  readonly note: string
  readonly isLit: boolean
  readonly isCentre: boolean
  readonly act: () => void
}

// Around the selected task, what it waited for and what waited for it; without one, all tasks by their sites.
export function GraphView() {
  const task = focusTask.value
  if (!loaded.value) return null
  if (!loaded.value.summary.tasks) return <p class="empty">No tasks were recorded: this run did all at once, on one thread.</p>
  return task && selection.value.kind === 'span' ? <Around task={task.task} /> : <BySite />
}

function Around({ task }: { readonly task: number }) {
  const source = useSource()
  const distance = farthest()
  const answer = useAnswer(() => {
    const now = focusTask.value
    return now ? source.graph(traceId.value, now.task, Number(farthest())) : null
  })
  const found = answer.value
  const sites = loaded.value!.sites
  const nodes = found?.tasks.task.map((t, i): Drawn => ({
    key: t, site: found.tasks.site[i], title: sites.name[found.tasks.site[i]] ?? 'unknown',
    note: found.tasks.slack[i] === 0 ? `${duration(found.tasks.busy[i])} · critical` : duration(found.tasks.busy[i]),
    isLit: litSites.value.has(found.tasks.site[i]), isCentre: t === task,
    act: () => source.task(traceId.value, t).then(info => selectSpan(source, info.span ?? -1, true)).catch(report),
  })) ?? []
  return (
    <div class="fill">
      <div class="bar">
        <Choice label="so far" table={distances} value={distance} set={to => setOption('graph.distance', to)} />
        {found && (
          <span class="faint">
            {count(nodes.length)} tasks around the selected one{found.complete ? '' : ', the nearest of more'}{nodes.length === 1 ? ': nothing waited for it, and it for nothing' : ''}
          </span>
        )}
      </div>
      {found && <Picture nodes={nodes} from={found.edges.from} to={found.edges.to} wide={found.edges.bytes} />}
    </div>
  )
}

function BySite() {
  const source = useSource()
  const kind = optionOf('graph.of', Object.keys(kinds) as (keyof typeof kinds)[])
  const answer = useAnswer(() => (loaded.value ? source.siteGraph(traceId.value) : null))
  const found = answer.value
  const sites = loaded.value!.sites
  const edges = kind === 'waits' ? found?.edges : found?.makers
  const nodes = found?.nodes.site.map((site, i): Drawn => ({
    key: site, site, title: site >= 0 ? sites.name[site] || sites.text[site] : 'unknown',
    note: `× ${count(found.nodes.count[i])}, ${duration(found.nodes.busy[i])}`,
    isLit: litSites.value.has(site), isCentre: false,
    act: () => select({ kind: 'sites', sites: [site] }),
  })) ?? []
  return (
    <div class="fill">
      <div class="bar">
        <Choice label="edges" table={kinds} value={kind} set={to => setOption('graph.of', to)} />
        <span class="faint">all tasks by their sites; a task selected in the chart shows what is around it</span>
      </div>
      {edges && <Picture nodes={nodes} from={edges.from} to={edges.to} wide={edges.count} />}
    </div>
  )
}

interface PictureProps {
  readonly nodes: readonly Drawn[]
  readonly from: readonly number[] // keys of nodes
  readonly to: readonly number[]
  readonly wide: readonly number[]
}

function Picture({ nodes, from, to, wide }: PictureProps) {
  const room = useRef<HTMLDivElement>(null)
  const index = new Map(nodes.map((n, i) => [n.key, i]))
  const edges = from.map((a, e) => ({ a: index.get(a), b: index.get(to[e]), wide: wide[e] }))
    .filter((e): e is { a: number; b: number; wide: number } => e.a !== undefined && e.b !== undefined)
  const places = layered(nodes.length, edges.map(e => e.a), edges.map(e => e.b))
  const most = Math.max(...edges.map(e => e.wide), 1)
  const x = (i: number) => margin + places[i].column * column
  const y = (i: number) => margin + places[i].row * row
  const width = Math.max(...places.map(p => p.column), 0) * column + nodeWidth + 2 * margin
  const height = Math.max(...places.map(p => p.row), 0) * row + nodeHeight + 2 * margin
  const line = (a: number, b: number) => {
    const [x0, y0, x1, y1] = [x(a) + nodeWidth, y(a) + nodeHeight / 2, x(b), y(b) + nodeHeight / 2]
    if (a === b) return `M${x0},${y0} c22,2 14,-28 -20,${-nodeHeight / 2}`
    // Back to the left: around below.
    if (x1 <= x0) return `M${x0},${y0} C${x0 + 34},${y0 + 48} ${x1 - 34},${y1 + 48} ${x1},${y1}`
    const bend = Math.max((x1 - x0) / 2, 20)
    return `M${x0},${y0} C${x0 + bend},${y0} ${x1 - bend},${y1} ${x1},${y1}`
  }
  const chosen = nodes.find(n => n.isCentre)?.key
  useEffect(() => {
    room.current?.querySelector('.chosen')?.scrollIntoView({ block: 'center', inline: 'center' })
  }, [chosen, nodes.length])
  return (
    <div class="scroll" ref={room} tabIndex={0} role="group" aria-label="task graph, scrolled">
      <svg class="graph" width={width} height={height} role="group" aria-label="task graph">
        <defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path d="M0,0 L8,4 L0,8 z" /></marker></defs>
        {edges.map((e, i) => (
          <path key={i} class="link" d={line(e.a, e.b)} stroke-width={1 + 3 * Math.sqrt(e.wide / most)} marker-end="url(#arrow)" />
        ))}
        {nodes.map((n, i) => (
          <g key={n.key} role="button" aria-label={`${n.title}, ${n.note}`} data-task={n.key} class={`task${n.isCentre ? ' chosen' : ''}${n.isLit ? ' lit' : ''}`}
            transform={`translate(${x(i)},${y(i)})`} {...pressing(n.act)}>
            <title>{`${n.title}\n${n.note}`}</title>
            <rect width={nodeWidth} height={nodeHeight} rx={4} />
            <rect width={5} height={nodeHeight} rx={2} style={{ fill: colours.value[n.site] ?? '#9aa0a6', stroke: 'none' }} />
            <text x={11} y={11}>{n.title.length > 19 ? `${n.title.slice(0, 18)}…` : n.title}</text>
            <text x={11} y={22} class="faint">{n.note}</text>
          </g>
        ))}
      </svg>
    </div>
  )
}
