// What the server answers. Made by `jetlag describe typescript`, from src/server/routes/shapes.cpp.

// which program answers
export interface About {
  readonly name: string
  readonly version: string
  readonly api: string
  readonly jobs: boolean // whether it keeps jobs, or knows who does
}

// something that can be asked
export interface RouteRow {
  readonly method: string
  readonly path: string
  readonly access: string
  readonly answers: string // a type, or the type of media
  readonly body: number // bytes that it may have at most
  readonly doc: string
}

// a refusal, as RFC 9457 has it
export interface ProblemDetails {
  readonly title: string // its kind
  readonly status: number
  readonly detail: string
  readonly hint?: string // what to do
}

// done
export interface Nothing {}

// a trace that is served
export interface ListedTrace {
  readonly id: string // of addresses; the same for the same path
  readonly name: string // its path below the folder that is served
  readonly bytes: number
  readonly changed: number // nanoseconds since 1970
}

// a trace that was sent
export interface Arrived {
  readonly id: string
  readonly bytes: number
}

// one depth of one thread
export interface Track {
  readonly thread: number
  readonly rank: number
  readonly name: string // of the thread
  readonly depth: number
  readonly slices: number
}

// a measured quantity
export interface CounterInfo {
  readonly name: string
  readonly unit: string
  readonly kind: string
  readonly doc: string
  readonly samples: number
}

// a trace; times are nanoseconds from its beginning
export interface Summary {
  readonly id: string
  readonly revision: string // what answers are tagged with
  readonly path: string
  readonly length: number
  readonly closed: boolean // false: it goes on, or broke off
  readonly dropped: number // spans that found no room
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

// a trace that changes, in its events
export interface Live {
  readonly revision: string
  readonly length: number
  readonly spans: number
  readonly closed: boolean
}

// columns of one length: a row for each site
export interface Sites {
  readonly name: readonly string[]
  readonly category: readonly string[]
  readonly function: readonly string[]
  readonly file: readonly string[]
  readonly line: readonly number[] // from 1 on; 0: unknown
  readonly column: readonly number[]
  readonly node: readonly number[] // in the plan; -1: none
  readonly text: readonly string[] // of its PhySL
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

// columns: a row for each node of the tree of calls; parents first
export interface Tree {
  readonly site: readonly number[]
  readonly parent: readonly number[]
  readonly count: readonly number[]
  readonly total: readonly number[]
  readonly self: readonly number[]
}

// a span; -1 where it has no such thing
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
  readonly open: boolean // its end was not recorded
  readonly bytes?: number
  readonly flops?: number
}

// a task; -1 where nothing is known
export interface TaskRow {
  readonly task: number
  readonly id: number
  readonly site: number
  readonly parent: number // who made it
  readonly created: number
  readonly ready: number
  readonly begin: number
  readonly end: number
  readonly busy: number
  readonly bytes: number
  readonly flops: number
  readonly thread: number
  readonly depth: number
  readonly span?: number // its first
  readonly handed?: number // bytes, to or by the task that was asked about
}

// a task, and those beside it in the task graph
export interface TaskInfo extends TaskRow {
  readonly slack: number // how much later it could end
  readonly before: readonly TaskRow[]
  readonly after: readonly TaskRow[]
}

// what a site on the critical path is worth
export interface SpeedUp {
  readonly site: number
  readonly time: number // on the path
  readonly twice_as_fast: number // the length of the run, if it were
}

// the longest way through the task graph
export interface Critical {
  readonly length: number
  readonly own: number // of the length, what callers did themselves
  readonly tasks: number
  readonly path: readonly TaskRow[]
  readonly sites: readonly SpeedUp[]
}

// moments, as columns: policies that fired, trials of the tuner, decisions, marks
export interface Points {
  readonly time: readonly number[]
  readonly event: readonly string[]
  readonly value: readonly (number | null)[] // what the policy saw, what the trial cost
  readonly site: readonly number[]
  readonly thread: readonly number[]
}

// a file that the trace names
export interface SourceText {
  readonly file: string
  readonly text: string
}

// shares of the threads' time, of each bin
export interface Busy {
  readonly all: readonly number[]
  readonly lit: readonly number[] // of what is selected
}

// of a counter, of each bin; null where there is none
export interface Samples {
  readonly least: readonly (number | null)[]
  readonly mean: readonly (number | null)[]
  readonly most: readonly (number | null)[]
}

// spans by their duration: bin i begins at 2 ** (i / steps) nanoseconds
export interface Histogram {
  readonly steps: number
  readonly counts: readonly number[]
}

// what rows can be coloured by
export interface Measure {
  readonly name: string
  readonly unit: string
  readonly doc: string
}

// a set of spans: the longest of them as columns, and how many of which site
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

// columns of tasks; distances are negative before the one asked about
export interface NearTasks {
  readonly task: readonly number[]
  readonly distance: readonly number[]
  readonly site: readonly number[]
  readonly thread: readonly number[]
  readonly begin: readonly number[]
  readonly end: readonly number[]
  readonly busy: readonly number[]
  readonly slack: readonly number[]
}

// columns of dependencies
export interface TaskEdges {
  readonly from: readonly number[]
  readonly to: readonly number[]
  readonly bytes: readonly number[]
}

// the tasks around one, and what they waited for
export interface TaskGraph {
  readonly tasks: NearTasks
  readonly edges: TaskEdges
  readonly complete: boolean // false: there are more
}

// columns: the tasks of each site
export interface SiteTasks {
  readonly site: readonly number[]
  readonly count: readonly number[]
  readonly busy: readonly number[]
}

// columns: dependencies between the tasks of sites
export interface SiteEdges {
  readonly from: readonly number[]
  readonly to: readonly number[]
  readonly count: readonly number[]
  readonly bytes: readonly number[]
}

// the task graph with one node for each site
export interface SiteGraph {
  readonly nodes: SiteTasks
  readonly edges: SiteEdges // who waited for whom
  readonly makers: SiteEdges // who made whom
}

// columns: a row for each pair of ranks that talked
export interface Messages {
  readonly from: readonly number[]
  readonly to: readonly number[]
  readonly sent: readonly number[]
  readonly received: readonly number[]
  readonly bytes_sent: readonly number[]
  readonly bytes_received: readonly number[]
}

// columns: each time that a node of the tree happened
export interface Instances {
  readonly begin: readonly number[]
  readonly end: readonly number[]
  readonly busy: readonly number[]
  readonly count: readonly number[]
  readonly span: readonly number[]
  readonly lane: readonly number[] // those of one do not overlap
  readonly left_out: number
}

// columns: the steps with what they cost; a parent is a row of this table
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

// a column that SQL can name
export interface SqlColumn {
  readonly name: string
  readonly doc: string
}

// a table that SQL can ask
export interface SqlTable {
  readonly name: string
  readonly doc: string
  readonly rows: number
  readonly columns: readonly SqlColumn[]
}

// what a SELECT found
export interface SqlAnswer {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number | null)[])[]
  readonly more: boolean // than are here
  readonly took: number
}

// what a job last told of itself
export interface Progress {
  readonly done?: number
  readonly total?: number
  readonly text?: string
}

// a job; times are seconds since 1970, 0 before they come
export interface Job {
  readonly id: string
  readonly number: number
  readonly name: string
  readonly machine: string
  readonly user: string // who asked for it; empty: the owner of the store
  readonly function: boolean // of Python, not a command
  readonly state: string
  readonly final: boolean
  readonly reason: string // why it is in this state
  readonly attempt: number
  readonly attempts: number // at most
  readonly scheduler_id: string
  readonly host: string
  readonly seconds: number // of wall time that it may take; 0: no limit
  readonly memory: number // MB of a node
  readonly image: string // in which it asks to run; empty: none, or its machine's
  readonly exit_code: number | null
  readonly created: number
  readonly submitted: number
  readonly started: number
  readonly ended: number
  readonly changes: number
  readonly folder: string
  readonly command: readonly string[]
  readonly note?: unknown // what the client kept with it
  readonly trace: string | null // that it left
  readonly progress: Progress | null
}

// something that happened to a job
export interface JobMoment {
  readonly at: number
  readonly attempt: number
  readonly event: string
  readonly state: string
  readonly text: string
}

// what was told elsewhere of a job
export interface JobMessage {
  readonly target: string
  readonly state: string
  readonly tries: number
  readonly said: string
}

// what happened to a job
export interface JobHistory {
  readonly history: readonly JobMoment[]
  readonly messages: readonly JobMessage[]
}

// what lets a user in
export interface Token {
  readonly id: string // names it, and opens nothing
  readonly user: string
  readonly state: string // good, expired or revoked
  readonly created: number // seconds since 1970
  readonly expires: number
  readonly revoked: number // 0: it was not
  readonly used: number // when it was last seen; 0: never
  readonly token?: string // the secret, told to whoever makes it
}

// a file that jobs may begin with
export interface Kept {
  readonly bytes: number
}

// a file in a job's folder
export interface JobFile {
  readonly name: string
  readonly bytes: number
}
