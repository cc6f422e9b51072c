#include "server/routes/api.h"

namespace jetlag::routes {

namespace {

constexpr Shape table[] = {
    {"About", "which program answers", R"(
        name: string
        version: string
        api: string
        jobs: boolean // whether it keeps jobs, or knows who does)"},
    {"RouteRow", "something that can be asked", R"(
        method: string
        path: string
        access: string
        answers: string // a type, or the type of media
        body: number // bytes that it may have at most
        doc: string)"},
    {"ProblemDetails", "a refusal, as RFC 9457 has it", R"(
        title: string // its kind
        status: number
        detail: string
        hint?: string // what to do)"},
    {"Nothing", "done", ""},
    {"ListedTrace", "a trace that is served", R"(
        id: string // of addresses; the same for the same path
        name: string // its path below the folder that is served
        bytes: number
        changed: number // nanoseconds since 1970)"},
    {"Arrived", "a trace that was sent", R"(
        id: string
        bytes: number)"},
    {"Track", "one depth of one thread", R"(
        thread: number
        rank: number
        name: string // of the thread
        depth: number
        slices: number)"},
    {"CounterInfo", "a measured quantity", R"(
        name: string
        unit: string
        kind: string
        doc: string
        samples: number)"},
    {"Summary", "a trace; times are nanoseconds from its beginning", R"(
        id: string
        revision: string // what answers are tagged with
        path: string
        length: number
        closed: boolean // false: it goes on, or broke off
        dropped: number // spans that found no room
        spans: number
        tasks: number
        edges: number
        complaints: string[]
        facts: Record<string, string>
        tracks: Track[]
        counters: CounterInfo[]
        files: string[]
        readable: boolean[] // whether the text of a file can be had)"},
    {"Live", "a trace that changes, in its events", R"(
        revision: string
        length: number
        spans: number
        closed: boolean)"},
    {"Sites", "columns of one length: a row for each site", R"(
        name: string[]
        category: string[]
        function: string[]
        file: string[]
        line: number[] // from 1 on; 0: unknown
        column: number[]
        node: number[] // in the plan; -1: none
        text: string[] // of its PhySL
        count: number[]
        total: number[]
        self: number[]
        least: number[]
        median: number[]
        p99: number[]
        most: number[]
        bytes: number[]
        flops: number[])"},
    {"Tree", "columns: a row for each node of the tree of calls; parents first", R"(
        site: number[]
        parent: number[]
        count: number[]
        total: number[]
        self: number[])"},
    {"SpanInfo", "a span; -1 where it has no such thing", R"(
        span: number
        begin: number
        end: number
        site: number
        thread: number
        depth: number
        parent: number
        task: number
        tree: number
        open: boolean // its end was not recorded
        bytes?: number
        flops?: number)"},
    {"TaskRow", "a task; -1 where nothing is known", R"(
        task: number
        id: number
        site: number
        parent: number // who made it
        created: number
        ready: number
        begin: number
        end: number
        busy: number
        bytes: number
        flops: number
        thread: number
        depth: number
        span?: number // its first
        handed?: number // bytes, to or by the task that was asked about)"},
    {"TaskInfo", "a task, and those beside it in the task graph", R"(
        ...TaskRow
        slack: number // how much later it could end
        before: TaskRow[]
        after: TaskRow[])"},
    {"SpeedUp", "what a site on the critical path is worth", R"(
        site: number
        time: number // on the path
        twice_as_fast: number // the length of the run, if it were)"},
    {"Critical", "the longest way through the task graph", R"(
        length: number
        own: number // of the length, what callers did themselves
        tasks: number
        path: TaskRow[]
        sites: SpeedUp[])"},
    {"Points", "moments, as columns: policies that fired, trials of the tuner, decisions, marks",
     R"(
        time: number[]
        event: string[]
        value: (number | null)[] // what the policy saw, what the trial cost
        site: number[]
        thread: number[])"},
    {"SourceText", "a file that the trace names", R"(
        file: string
        text: string)"},
    {"Busy", "shares of the threads' time, of each bin", R"(
        all: number[]
        lit: number[] // of what is selected)"},
    {"Samples", "of a counter, of each bin; null where there is none", R"(
        least: (number | null)[]
        mean: (number | null)[]
        most: (number | null)[])"},
    {"Histogram", "spans by their duration: bin i begins at 2 ** (i / steps) nanoseconds", R"(
        steps: number
        counts: number[])"},
    {"Measure", "what rows can be coloured by", R"(
        name: string
        unit: string
        doc: string)"},
    {"FoundSpans", "a set of spans: the longest of them as columns, and how many of which site", R"(
        count: number
        time: number
        sites: number[]
        counts: number[] // of the sites
        span: number[]
        begin: number[]
        duration: number[]
        site: number[]
        thread: number[]
        depth: number[])"},
    {"NearTasks", "columns of tasks; distances are negative before the one asked about", R"(
        task: number[]
        distance: number[]
        site: number[]
        thread: number[]
        begin: number[]
        end: number[]
        busy: number[]
        slack: number[])"},
    {"TaskEdges", "columns of dependencies", R"(
        from: number[]
        to: number[]
        bytes: number[])"},
    {"TaskGraph", "the tasks around one, and what they waited for", R"(
        tasks: NearTasks
        edges: TaskEdges
        complete: boolean // false: there are more)"},
    {"SiteTasks", "columns: the tasks of each site", R"(
        site: number[]
        count: number[]
        busy: number[])"},
    {"SiteEdges", "columns: dependencies between the tasks of sites", R"(
        from: number[]
        to: number[]
        count: number[]
        bytes: number[])"},
    {"SiteGraph", "the task graph with one node for each site", R"(
        nodes: SiteTasks
        edges: SiteEdges // who waited for whom
        makers: SiteEdges // who made whom)"},
    {"Messages", "columns: a row for each pair of ranks that talked", R"(
        from: number[]
        to: number[]
        sent: number[]
        received: number[]
        bytes_sent: number[]
        bytes_received: number[])"},
    {"Instances", "columns: each time that a node of the tree happened", R"(
        begin: number[]
        end: number[]
        busy: number[]
        count: number[]
        span: number[]
        lane: number[] // those of one do not overlap
        left_out: number)"},
    {"Plan", "columns: the steps with what they cost; a parent is a row of this table", R"(
        tree: number[]
        parent: number[]
        site: number[]
        count: number[]
        total: number[]
        self: number[]
        waited: number[]
        tasks: number[]
        threads: number[]
        bytes: number[]
        flops: number[])"},
    {"SqlColumn", "a column that SQL can name", R"(
        name: string
        doc: string)"},
    {"SqlTable", "a table that SQL can ask", R"(
        name: string
        doc: string
        rows: number
        columns: SqlColumn[])"},
    {"SqlAnswer", "what a SELECT found", R"(
        columns: string[]
        rows: (string | number | null)[][]
        more: boolean // than are here
        took: number)"},
    {"Progress", "what a job last told of itself", R"(
        done?: number
        total?: number
        text?: string)"},
    {"Job", "a job; times are seconds since 1970, 0 before they come", R"(
        id: string
        number: number
        name: string
        machine: string
        user: string // who asked for it; empty: the owner of the store
        function: boolean // of Python, not a command
        state: string
        final: boolean
        reason: string // why it is in this state
        attempt: number
        attempts: number // at most
        scheduler_id: string
        host: string
        seconds: number // of wall time that it may take; 0: no limit
        memory: number // MB of a node
        image: string // in which it asks to run; empty: none, or its machine's
        exit_code: number | null
        created: number
        submitted: number
        started: number
        ended: number
        changes: number
        folder: string
        command: string[]
        note?: unknown // what the client kept with it
        trace: string | null // that it left
        progress: Progress | null)"},
    {"JobMoment", "something that happened to a job", R"(
        at: number
        attempt: number
        event: string
        state: string
        text: string)"},
    {"JobMessage", "what was told elsewhere of a job", R"(
        target: string
        state: string
        tries: number
        said: string)"},
    {"JobHistory", "what happened to a job", R"(
        history: JobMoment[]
        messages: JobMessage[])"},
    {"Token", "what lets a user in", R"(
        id: string // names it, and opens nothing
        user: string
        state: string // good, expired or revoked
        created: number // seconds since 1970
        expires: number
        revoked: number // 0: it was not
        used: number // when it was last seen; 0: never
        token?: string // the secret, told to whoever makes it)"},
    {"Kept", "a file that jobs may begin with", R"(
        bytes: number)"},
    {"JobFile", "a file in a job's folder", R"(
        name: string
        bytes: number)"},
};

}  // namespace

std::span<const Shape> shapes() { return table; }

}  // namespace jetlag::routes
