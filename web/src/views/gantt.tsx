import { computed, signal, useComputed, useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { Rows, Track } from '../api/types'
import { count, duration, percent } from '../base/units'
import { axisHeight, type Box, drawGantt, layOut, pointAt } from '../render/gantt'
import {
  chosen, critical, focusSpan, focusTask, found, type Loaded, loaded, marked, pan, type Range, select, selection, selectSpan,
  setOption, shownViews, show, theme, traceId, visible, zoom,
} from '../model/state'
import { nothing } from '../model/selection'
import { type Colouring, colouring, colourings, coloursFor, measureAsked, scaleOf } from './colouring'
import { colours } from './colours'
import { colour, report, useAnswer, useDrawing, useSource } from './context'
import { ScaleKey } from './widgets'

const labelWidth = 132

const room = signal(300)
const plan = computed(() => {
  const tracks = loaded.value?.summary.tracks ?? []
  return { ...layOut(tracks, room.value), ranked: tracks.some(t => t.rank !== tracks[0].rank) }
})

// The first tracks of the threads whose names are in sight: there may be ten thousand.
function seenThreads(tracks: readonly Track[], scroll: number): readonly number[] {
  const { tops, lane } = plan.value
  return tracks.flatMap((track, i) =>
    track.depth === 0 && tops[i] + lane > scroll && tops[i] < scroll + room.value + lane ? [i] : [])
}

// The spans that the selection has found, in their colours.
function outlinedOf(now: Loaded): readonly Box[] {
  const spans = selection.value.kind === 'spans' ? found.value : null
  return spans?.begin.map((begin, i) => ({
    begin, end: begin + spans.duration[i], thread: spans.thread[i], depth: spans.depth[i],
    colour: colours.value[spans.site[i]] ?? '#9aa0a6', name: now.sites.name[spans.site[i]],
  })) ?? []
}

interface Asked extends Range {
  readonly bins: number
}

// A wider window than is seen, so that panning has something to show; edges at round places, so that
// the answers to neighbouring questions are the same.
function asked(seen: Range, pixels: number): Asked {
  const width = 2 ** Math.ceil(Math.log2(seen.end - seen.begin))
  const step = width / 2
  const begin = Math.floor((seen.begin - step) / step) * step
  const end = Math.ceil((seen.end + step) / step) * step
  return { begin, end, bins: Math.min(Math.ceil(((end - begin) / (seen.end - seen.begin)) * pixels), 16_000) }
}

interface Hover {
  readonly x: number
  readonly y: number
  readonly track: number
  readonly row: number
}

// What ran where and when, side by side.
export function Gantt() {
  const source = useSource()
  const scroll = useSignal(0)
  const hover = useSignal<Hover | null>(null)
  const moment = useSignal<{ readonly x: number; readonly y: number; readonly point: number } | null>(null)
  const width = useSignal(0) // of the chart; what is asked for depends on it
  // As text, so that moving about within what is there asks for nothing.
  const window = useComputed(() => JSON.stringify(asked(visible.value, width.value)))
  const rows = useAnswer(() => {
    const now = loaded.value
    return now && now.summary.tracks.length > 0 && width.value > 0
      ? source.rows(traceId.value, { ...(JSON.parse(window.value) as Asked), measure: measureAsked() }, chosen.value)
      : null
  })
  const canvas = useDrawing(canvas => {
    const now = loaded.value
    void theme.value
    const box = canvas.getBoundingClientRect()
    width.value = Math.max(Math.round(box.width), 100)
    room.value = box.height
    if (!now || !rows.value || rows.value.length !== now.summary.tracks.length) return
    drawGantt(canvas, {
      tracks: now.summary.tracks, layout: plan.value, rows: rows.value, window: visible.value, scroll: scroll.value,
      names: now.sites.name, colourAt: coloursFor(now, rows.value), selected: selection.value.kind !== 'none',
      span: focusSpan.value, task: focusTask.value, path: shownViews.value.has('critical') ? (critical.value?.path ?? []) : [],
      outlined: outlinedOf(now),
      marked: marked.value, points: now.points,
      ink: {
        text: colour('text'), faint: colour('faint'), line: colour('line'), mark: colour('mark'),
        accent: colour('accent'), band: colour('band'),
      },
    })
  })

  const timeAt = (x: number) => {
    const box = canvas.current!.getBoundingClientRect()
    const { begin, end } = visible.value
    return begin + ((x - box.left) / box.width) * (end - begin)
  }
  const find = (event: MouseEvent): Hover | null => {
    const box = canvas.current!.getBoundingClientRect()
    const y = event.clientY - box.top + scroll.value
    if (event.clientY - box.top < axisHeight || !rows.value) return null
    const track = plan.value.tops.findIndex(top => y >= top && y < top + plan.value.lane)
    if (track < 0) return null
    const row = nearest(rows.value[track], timeAt(event.clientX), (3 * (visible.value.end - visible.value.begin)) / box.width)
    return row < 0 ? null : { x: event.clientX, y: event.clientY, track, row }
  }

  const findMoment = (event: MouseEvent) => {
    const box = canvas.current!.getBoundingClientRect()
    if (event.clientY - box.top > axisHeight || !loaded.value) return null
    const room = (6 * (visible.value.end - visible.value.begin)) / box.width
    const point = pointAt(loaded.value.points, timeAt(event.clientX), room)
    return point < 0 ? null : { x: event.clientX, y: event.clientY, point }
  }

  const drag = useRef<{ x: number; time: number; range: Range; pans: boolean; moved: boolean } | null>(null)
  const maximum = () => Math.max(plan.value.height - (canvas.current?.getBoundingClientRect().height ?? 0), 0)
  useEffect(() => {
    const element = canvas.current!
    // Registered by hand: the page must not scroll meanwhile.
    const wheel = (event: WheelEvent) => {
      event.preventDefault()
      if (event.ctrlKey || event.metaKey || (maximum() === 0 && Math.abs(event.deltaY) > Math.abs(event.deltaX))) {
        zoom(2 ** (Math.max(Math.min(event.deltaY, 200), -200) / 200), timeAt(event.clientX))
      } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        pan((event.deltaX || event.deltaY) / element.clientWidth)
      } else {
        scroll.value = Math.min(Math.max(scroll.value + event.deltaY, 0), maximum())
      }
    }
    element.addEventListener('wheel', wheel, { passive: false })
    return () => element.removeEventListener('wheel', wheel)
  }, [])

  const now = loaded.value
  const scale = scaleOf(rows.value)
  return (
    <div class="gantt">
      <div class="lanes" style={{ width: `${labelWidth}px` }}>
        <select class="colour-by" aria-label="colour by" title="what colours the chart" value={colouring()}
          onChange={event => setOption('gantt.colour', event.currentTarget.value)}>
          {(Object.keys(colourings) as Colouring[]).map(name => <option key={name} value={name}>{colourings[name]}</option>)}
        </select>
        <div class="lanes-clip">
          <div class="lanes-inner" style={{ transform: `translateY(${-scroll.value - axisHeight}px)` }}>
            {now && seenThreads(now.summary.tracks, scroll.value).map(i => {
              const track = now.summary.tracks[i]
              const isLit = selection.value.kind === 'spans' && selection.value.query.thread === track.thread
              return (
                <button class={`lane${isLit ? ' lit' : ''}`} key={track.thread} style={{ top: `${plan.value.tops[i]}px`, lineHeight: `${plan.value.lane - 2}px` }}
                  title={`${track.name}: select what ran on it`} data-thread={track.thread}
                  onClick={() => select({ kind: 'spans', query: { thread: track.thread } })}>
                  {plan.value.ranked ? `${track.rank} · ` : ''}{track.name}
                </button>
              )
            })}
          </div>
        </div>
      </div>
      <canvas
        ref={canvas}
        tabIndex={0}
        role="img"
        aria-label="what ran on each thread over time; the table of sites has the same as text"
        onPointerDown={event => {
          drag.current = {
            x: event.clientX, time: timeAt(event.clientX), range: visible.value,
            pans: event.shiftKey || event.button === 1, moved: false,
          }
          canvas.current!.setPointerCapture(event.pointerId)
        }}
        onPointerMove={event => {
          const now = drag.current
          if (!now) {
            hover.value = find(event)
            moment.value = findMoment(event)
            return
          }
          if (Math.abs(event.clientX - now.x) > 3) now.moved = true
          if (!now.moved) return
          hover.value = null
          if (now.pans) {
            const by = ((now.x - event.clientX) / canvas.current!.clientWidth) * (now.range.end - now.range.begin)
            show({ begin: now.range.begin + by, end: now.range.end + by })
          } else {
            const time = timeAt(event.clientX)
            marked.value = { begin: Math.min(now.time, time), end: Math.max(now.time, time) }
          }
        }}
        onPointerUp={event => {
          const was = drag.current
          drag.current = null
          if (!was || was.moved) return
          marked.value = null
          const found = find(event)
          if (!found) {
            select(nothing)
            return
          }
          selectSpan(source, rows.value![found.track].span[found.row]).catch(report)
        }}
        onPointerLeave={() => {
          hover.value = null
          moment.value = null
        }}
        onDblClick={event => {
          const found = find(event)
          if (!found) return
          const of = rows.value![found.track]
          const wide = (of.end[found.row] - of.begin[found.row]) * 0.2
          show({ begin: of.begin[found.row] - wide, end: of.end[found.row] + wide })
        }}
      />
      {hover.value && rows.value && <Tip hover={hover.value} rows={rows.value} />}
      {moment.value && now && (
        <div class="tip" role="tooltip" style={{ left: `${Math.min(moment.value.x + 14, innerWidth - 330)}px`, top: `${moment.value.y + 16}px` }}>
          <b>{now.points.event[moment.value.point]}</b> {now.sites.name[now.points.site[moment.value.point]] ?? ''}
          <div class="faint">at {duration(now.points.time[moment.value.point])}</div>
        </div>
      )}
      {scale && <div class="legend"><ScaleKey least={scale.text(scale.least)} most={scale.text(scale.most)} /> {colourings[colouring()]}</div>}
      {now && now.summary.tracks.length > 0 && measureAsked() && rows.value && !scale && <div class="legend">no span in view has a {colourings[colouring()]}</div>}
      {marked.value && <output class="marked">{duration(marked.value.end - marked.value.begin)} marked · f: look at it · Esc: clear</output>}
      {now && now.summary.tracks.length === 0 && (
        <p class="empty">This trace holds no spans. Run something on the engine inside <code>with jl.trace(…)</code>.</p>
      )}
    </div>
  )
}

// The row under the time, or one so near that it cannot be hit better.
function nearest(rows: Rows | undefined, time: number, room: number): number {
  if (!rows) return -1
  let low = 0
  let high = rows.begin.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (rows.begin[middle] <= time) low = middle + 1
    else high = middle
  }
  if (low > 0 && rows.end[low - 1] >= time) return low - 1
  if (low < rows.begin.length && rows.begin[low] - time < room) return low
  return low > 0 && time - rows.end[low - 1] < room ? low - 1 : -1
}

function Tip({ hover, rows }: { readonly hover: Hover; readonly rows: readonly Rows[] }) {
  const now = loaded.value!
  const of = rows[hover.track]
  if (!of || hover.row >= of.begin.length) return null
  const site = of.site[hover.row]
  const many = of.count[hover.row] > 1
  const length = of.end[hover.row] - of.begin[hover.row]
  const style = {
    left: `${Math.min(hover.x + 14, innerWidth - 330)}px`,
    top: `${Math.min(hover.y + 16, innerHeight - 110)}px`,
  }
  return (
    <div class="tip" style={style} role="tooltip">
      <b>{site >= 0 ? now.sites.name[site] || now.sites.text[site] : 'unknown'}</b>
      {many ? (
        <div>
          {count(of.count[hover.row])} spans in {duration(length)}, busy {percent(of.busy[hover.row] / Math.max(length, 1))};
          this one has most of the time
        </div>
      ) : (
        <div>{duration(length)}</div>
      )}
      {site >= 0 && now.sites.text[site] && <code>{now.sites.text[site]}</code>}
      {site >= 0 && now.sites.line[site] > 0 && (
        <div class="faint">{now.sites.file[site].split('/').pop()}:{now.sites.line[site]}</div>
      )}
      <div class="faint">at {duration(of.begin[hover.row])}</div>
    </div>
  )
}
