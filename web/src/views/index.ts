// The views: menus, number keys and the palette are made from this table.
import type { ComponentType } from 'preact'
import type { ViewName } from '../model/layout'
import { CompareView } from './compare'
import { CountersView } from './counters'
import { CriticalView } from './critical'
import { DetailsView } from './details'
import { Gantt } from './gantt'
import { GraphView } from './graph'
import { HistogramView } from './histogram'
import { InstancesView } from './instances'
import { JobsView } from './jobs'
import { LogView } from './log'
import { MessagesView } from './messages'
import { PhyslView } from './physl'
import { PlanView } from './plan'
import { RooflineView } from './roofline'
import { SitesView } from './sites'
import { SourceView } from './source'
import { SqlView } from './sql'
import { TreeView } from './tree'

export interface ViewRow {
  readonly title: string
  readonly doc: string // what to look for
  readonly view: ComponentType
}

// The first nine have the number keys.
export const viewTable: Readonly<Record<ViewName, ViewRow>> = {
  gantt: { title: 'Gantt chart', doc: 'Look for gaps, and for one thread that works while others wait.', view: Gantt },
  source: { title: 'Source', doc: 'Look for the lines with a dark edge: the time went there.', view: SourceView },
  physl: { title: 'PhySL', doc: 'Look for a node that takes longer than its neighbours of the same size.', view: PhyslView },
  tree: { title: 'Tree', doc: 'Look for a call whose own time is large: what is inside does not explain it.', view: TreeView },
  sites: { title: 'Sites', doc: 'Look for much own time, and for p99 far from the median.', view: SitesView },
  details: { title: 'Details', doc: 'Look at how long a task waited, for what, and at its slack.', view: DetailsView },
  counters: { title: 'Counters', doc: 'Look for memory that grows and for idle times that come back.', view: CountersView },
  critical: { title: 'Critical path', doc: 'Only what lies on it can make the run shorter.', view: CriticalView },
  histogram: { title: 'Histogram', doc: 'Two hills are two kinds of work; a long tail is waiting or imbalance. Drag to select.', view: HistogramView },
  roofline: { title: 'Roofline', doc: 'Far left waits for memory; far below the roof could be faster.', view: RooflineView },
  compare: { title: 'Compare', doc: 'What changed most between two runs stands first.', view: CompareView },
  plan: { title: 'Plan', doc: 'Look for a step with a large share that reaches little of what this run reached at best.', view: PlanView },
  instances: { title: 'Instances', doc: 'Look for one instance that takes longer than the others, and for bars that are mostly empty.', view: InstancesView },
  graph: { title: 'Task graph', doc: 'Look for long chains, and for a task that many others wait for.', view: GraphView },
  messages: { title: 'Messages', doc: 'Look for a bright cell far from the diagonal: two ranks that talk much.', view: MessagesView },
  log: { title: 'Log', doc: 'Look for what a policy or the tuner did shortly before the run changed.', view: LogView },
  sql: { title: 'SQL', doc: 'Ask what no view shows; a row with a span, task, tree or site leads to it.', view: SqlView },
  jobs: { title: 'Jobs', doc: 'Look at the reason of a job that waits, and at the end of its log.', view: JobsView },
}
