// What views ask, and who answers; what is answered is in answers.ts.
import type {
  Arrived, Busy, Critical, FoundSpans, Histogram, Instances, Job, ListedTrace, Live, Messages, Plan, Points, Samples,
  SiteGraph, Sites, SpanInfo, SqlAnswer, SqlTable, Summary, TaskGraph, TaskInfo, Tree,
} from './answers'

export * from './answers'

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

export interface JobFilter {
  readonly state?: string
  readonly machine?: string
  readonly text?: string
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

// Who takes traces and removes them. `sent` is told which share of the file is.
export interface Keeper {
  add(file: File, sent: (share: number) => void): Promise<Arrived>
  remove(trace: string): Promise<void>
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
  // Null where nobody answers in SQL, keeps jobs, or takes traces: in a file.
  readonly sql: { tables(trace: string): Promise<readonly SqlTable[]>; ask(trace: string, text: string): Promise<SqlAnswer> } | null
  readonly jobs: JobSource | null
  readonly keep: Keeper | null
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
