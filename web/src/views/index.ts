// The views: menu, number keys and address are made from this table.
import type { ComponentType } from 'preact'
import type { LowerView, SideView } from '../model/state'
import { CompareView } from './compare'
import { CountersView } from './counters'
import { CriticalView } from './critical'
import { DetailsView } from './details'
import { HistogramView } from './histogram'
import { PhyslView } from './physl'
import { RooflineView } from './roofline'
import { SitesView } from './sites'
import { SourceView } from './source'
import { TreeView } from './tree'

export interface ViewRow<Name> {
  readonly name: Name
  readonly title: string
  readonly doc: string // what to look for
  readonly view: ComponentType
}

export const sideTable: readonly ViewRow<SideView>[] = [
  { name: 'source', title: 'Source', doc: 'Look for the lines with a dark edge: the time went there.', view: SourceView },
  { name: 'physl', title: 'PhySL', doc: 'Look for a node that takes longer than its neighbours of the same size.', view: PhyslView },
  { name: 'tree', title: 'Tree', doc: 'Look for a call whose own time is large: what is inside does not explain it.', view: TreeView },
]

export const lowerTable: readonly ViewRow<LowerView>[] = [
  { name: 'sites', title: 'Sites', doc: 'Look for much own time, and for p99 far from the median.', view: SitesView },
  { name: 'details', title: 'Details', doc: 'What is known of the selection; look at how long a task waited.', view: DetailsView },
  { name: 'counters', title: 'Counters', doc: 'Look for memory that grows and for idle times that come back.', view: CountersView },
  { name: 'critical', title: 'Critical path', doc: 'Only what lies on it can make the run shorter.', view: CriticalView },
  { name: 'histogram', title: 'Histogram', doc: 'Two hills are two kinds of work; a long tail is waiting or imbalance.', view: HistogramView },
  { name: 'roofline', title: 'Roofline', doc: 'Far left waits for memory; far below the roof could be faster.', view: RooflineView },
  { name: 'compare', title: 'Compare', doc: 'What changed most between two runs stands first.', view: CompareView },
]
