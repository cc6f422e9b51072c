// What the server answers; src/server/routes makes it.

export interface ListedTrace {
  readonly id: string
  readonly name: string
  readonly bytes: number
  readonly changed: number
}

export interface Track {
  readonly thread: number
  readonly rank: number
  readonly name: string
  readonly depth: number
  readonly slices: number
}

export interface CounterInfo {
  readonly name: string
  readonly unit: string
  readonly kind: string
  readonly doc: string
  readonly samples: number
}

export interface Summary {
  readonly id: string
  readonly revision: string
  readonly path: string
  readonly length: number
  readonly closed: boolean
  readonly dropped: number
  readonly spans: number
  readonly tasks: number
  readonly edges: number
  readonly complaints: readonly string[]
  readonly facts: Readonly<Record<string, string>>
  readonly tracks: readonly Track[]
  readonly counters: readonly CounterInfo[]
  readonly files: readonly string[]
  readonly readable: readonly boolean[] // whether the text of a file can be had
}

// Columns of one length: a row for each site.
export interface Sites {
  readonly name: readonly string[]
  readonly category: readonly string[]
  readonly function: readonly string[]
  readonly file: readonly string[]
  readonly line: readonly number[]
  readonly column: readonly number[]
  readonly node: readonly number[]
  readonly text: readonly string[]
  readonly count: readonly number[]
  readonly total: readonly number[]
  readonly self: readonly number[]
  readonly least: readonly number[]
  readonly median: readonly number[]
  readonly p99: readonly number[]
  readonly most: readonly number[]
  readonly bytes: readonly number[]
  readonly flops: readonly number[]
}

// Columns: a row for each node of the tree of calls; parents first.
export interface Tree {
  readonly site: readonly number[]
  readonly parent: readonly number[]
  readonly count: readonly number[]
  readonly total: readonly number[]
  readonly self: readonly number[]
}

export interface SpanInfo {
  readonly span: number
  readonly begin: number
  readonly end: number
  readonly site: number
  readonly thread: number
  readonly depth: number
  readonly parent: number
  readonly task: number
  readonly tree: number
  readonly open: boolean
  readonly bytes?: number
  readonly flops?: number
}

export interface TaskRow {
  readonly task: number
  readonly id: number
  readonly site: number
  readonly parent: number
  readonly created: number
  readonly ready: number
  readonly begin: number
  readonly end: number
  readonly busy: number
  readonly bytes: number
  readonly flops: number
  readonly thread: number
  readonly depth: number
  readonly span?: number
  readonly handed?: number
}

export interface TaskInfo extends TaskRow {
  readonly slack: number
  readonly before: readonly TaskRow[]
  readonly after: readonly TaskRow[]
}

export interface Critical {
  readonly length: number
  readonly own: number // of the length, what callers did themselves
  readonly tasks: number
  readonly path: readonly TaskRow[]
  readonly sites: readonly { readonly site: number; readonly time: number; readonly twice_as_fast: number }[]
}

// Moments, as columns: policies that fired, trials of the tuner, decisions, marks.
export interface Points {
  readonly time: readonly number[]
  readonly event: readonly string[]
  readonly value: readonly (number | null)[] // what the policy saw, what the trial cost
  readonly site: readonly number[]
  readonly thread: readonly number[]
}

export interface Busy {
  readonly all: readonly number[]
  readonly lit: readonly number[]
}

export interface Samples {
  readonly least: readonly (number | null)[]
  readonly mean: readonly (number | null)[]
  readonly most: readonly (number | null)[]
}

export interface Histogram {
  readonly steps: number
  readonly counts: readonly number[]
}

export interface Window {
  readonly begin: number
  readonly end: number
  readonly bins: number
  readonly measure?: string
}

// What a question selects; nothing is everything.
export interface Chosen {
  readonly sites?: readonly number[]
  readonly tree?: number
}

// Which spans are meant: those for which all that is said is true.
export interface Query {
  readonly least?: number // nanoseconds that they took
  readonly most?: number // they took less
  readonly begin?: number // they reach into this stretch of time
  readonly end?: number
  readonly thread?: number
  readonly sites?: readonly number[]
}

// The longest of them, as columns, and how many there are of which site.
export interface FoundSpans {
  readonly count: number
  readonly time: number
  readonly sites: readonly number[]
  readonly counts: readonly number[] // of the sites
  readonly span: readonly number[]
  readonly begin: readonly number[]
  readonly duration: readonly number[]
  readonly site: readonly number[]
  readonly thread: readonly number[]
  readonly depth: readonly number[]
}

// The tasks around one, and what they waited for; distances are negative before it.
export interface TaskGraph {
  readonly tasks: {
    readonly task: readonly number[]
    readonly distance: readonly number[]
    readonly site: readonly number[]
    readonly thread: readonly number[]
    readonly begin: readonly number[]
    readonly end: readonly number[]
    readonly busy: readonly number[]
    readonly slack: readonly number[]
  }
  readonly edges: { readonly from: readonly number[]; readonly to: readonly number[]; readonly bytes: readonly number[] }
  readonly complete: boolean
}

export interface SiteEdges {
  readonly from: readonly number[]
  readonly to: readonly number[]
  readonly count: readonly number[]
  readonly bytes: readonly number[]
}

// The task graph with one node for each site.
export interface SiteGraph {
  readonly nodes: { readonly site: readonly number[]; readonly count: readonly number[]; readonly busy: readonly number[] }
  readonly edges: SiteEdges
  readonly makers: SiteEdges
}

// Columns: a row for each pair of ranks that talked.
export interface Messages {
  readonly from: readonly number[]
  readonly to: readonly number[]
  readonly sent: readonly number[]
  readonly received: readonly number[]
  readonly bytes_sent: readonly number[]
  readonly bytes_received: readonly number[]
}

// Columns: each time that a node of the tree happened.
export interface Instances {
  readonly begin: readonly number[]
  readonly end: readonly number[]
  readonly busy: readonly number[]
  readonly count: readonly number[]
  readonly span: readonly number[]
  readonly lane: readonly number[]
  readonly left_out: number
}

// Columns: the steps with what they cost; a parent is a row of this table.
export interface Plan {
  readonly tree: readonly number[]
  readonly parent: readonly number[]
  readonly site: readonly number[]
  readonly count: readonly number[]
  readonly total: readonly number[]
  readonly self: readonly number[]
  readonly waited: readonly number[]
  readonly tasks: readonly number[]
  readonly threads: readonly number[]
  readonly bytes: readonly number[]
  readonly flops: readonly number[]
}

export interface SqlTable {
  readonly name: string
  readonly doc: string
  readonly rows: number
  readonly columns: readonly { readonly name: string; readonly doc: string }[]
}

export interface SqlAnswer {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number | null)[])[]
  readonly more: boolean
  readonly took: number
}

export interface Job {
  readonly id: string
  readonly number: number
  readonly name: string
  readonly machine: string
  readonly state: string
  readonly final: boolean
  readonly reason: string
  readonly attempt: number
  readonly attempts: number
  readonly scheduler_id: string
  readonly host: string
  readonly exit_code: number | null
  readonly created: number
  readonly started: number
  readonly ended: number
  readonly changes: number
  readonly folder: string
  readonly command: readonly string[]
  readonly trace: string | null // that it left
  readonly progress: { readonly done?: number; readonly total?: number; readonly text?: string } | null
}

export interface JobFilter {
  readonly state?: string
  readonly machine?: string
  readonly text?: string
}

export interface About {
  readonly name: string
  readonly version: string
  readonly api: string
  readonly jobs: boolean
}

// What a server that keeps jobs can be asked.
export interface JobSource {
  isKept(): Promise<boolean>
  list(filter: JobFilter): Promise<readonly Job[]>
  log(job: string, name: string, from: number): Promise<string>
  cancel(job: string): Promise<Job>
  // Calls back whenever a job changes; the result ends that.
  follow(changed: () => void, gone: (why: Problem) => void): () => void
}

// Rows to draw, of one track.
export interface Rows {
  readonly begin: ArrayLike<number>
  readonly end: ArrayLike<number>
  readonly busy: ArrayLike<number>
  readonly lit: ArrayLike<number>
  readonly count: ArrayLike<number>
  readonly site: ArrayLike<number>
  readonly span: ArrayLike<number>
  readonly measure?: ArrayLike<number> // of the longest span, if the window asked for one
}

export interface Live {
  readonly revision: string
  readonly length: number
  readonly spans: number
  readonly closed: boolean
}

// Where figures come from: a server, or the page itself.
export interface Source {
  readonly isLive: boolean
  list(): Promise<readonly ListedTrace[]>
  summary(trace: string): Promise<Summary>
  sites(trace: string): Promise<Sites>
  tree(trace: string): Promise<Tree>
  critical(trace: string): Promise<Critical>
  points(trace: string): Promise<Points>
  text(trace: string, file: number): Promise<string>
  span(trace: string, span: number): Promise<SpanInfo>
  task(trace: string, task: number): Promise<TaskInfo>
  rows(trace: string, window: Window, chosen: Chosen): Promise<readonly Rows[]>
  busy(trace: string, window: Window, chosen: Chosen): Promise<Busy>
  samples(trace: string, counter: number, window: Window): Promise<Samples>
  histogram(trace: string, begin: number, end: number, chosen: Chosen): Promise<Histogram>
  spans(trace: string, query: Query): Promise<FoundSpans>
  graph(trace: string, task: number, distance: number): Promise<TaskGraph>
  siteGraph(trace: string): Promise<SiteGraph>
  messages(trace: string, begin: number, end: number): Promise<Messages>
  instances(trace: string, node: number, begin: number, end: number): Promise<Instances>
  plan(trace: string): Promise<Plan>
  // Null where nobody answers in SQL, or keeps jobs: in a file.
  readonly sql: { tables(trace: string): Promise<readonly SqlTable[]>; ask(trace: string, text: string): Promise<SqlAnswer> } | null
  readonly jobs: JobSource | null
  // Calls back when the trace changes; the result ends that.
  follow(trace: string, changed: (live: Live) => void, gone: (why: Problem) => void): () => void
}

// A "no", with what to do.
export class Problem extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly hint = '',
  ) {
    super(message)
  }
}
