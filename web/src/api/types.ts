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
  readonly tasks: number
  readonly path: readonly TaskRow[]
  readonly sites: readonly { readonly site: number; readonly time: number; readonly twice_as_fast: number }[]
}

// Moments, as columns: policies that fired, trials of the tuner, decisions, marks.
export interface Points {
  readonly time: readonly number[]
  readonly event: readonly string[]
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
}

// What a question selects; nothing is everything.
export interface Chosen {
  readonly sites?: readonly number[]
  readonly tree?: number
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
