// The Gantt chart: a row for each track. Height is busy time, so nothing vanishes when zoomed out; colour is
// the site with the most time; what is not selected is pale.
import type { Points, Rows, SpanInfo, TaskInfo, Track } from '../api/types'
import { inkOn } from '../base/colours'
import { moment, ticks } from '../base/units'
import type { Range } from '../model/state'
import { Bars } from './bars'
import { prepare } from './strip'

export const axisHeight = 22
const leastLane = 18
const mostLane = 30
const threadGap = 6
const smallestLabel = 34
const shortestBar = 0.15 // of the height: what is hardly busy is still seen

export interface Layout {
  readonly tops: readonly number[]
  readonly topOf: ReadonlyMap<string, number> // by thread and depth
  readonly lane: number // height of a track
  readonly height: number
}

// Where the tracks lie, from top to bottom; few tracks use the room there is.
export function layOut(tracks: readonly Track[], room: number): Layout {
  const threads = tracks.filter(track => track.depth === 0).length
  const free = room - axisHeight - threads * threadGap
  const lane = Math.max(Math.min(Math.floor(free / Math.max(tracks.length, 1)), mostLane), leastLane)
  let y = axisHeight
  const tops = tracks.map((track, i) => {
    if (i > 0 && track.depth === 0) y += threadGap
    const top = y
    y += lane
    return top
  })
  const topOf = new Map(tracks.map((track, i) => [`${track.thread} ${track.depth}`, tops[i]]))
  return { tops, topOf, lane, height: y + threadGap }
}

export interface GanttInk {
  readonly text: string
  readonly faint: string
  readonly line: string
  readonly mark: string
  readonly accent: string
  readonly band: string
}

export interface Box {
  readonly begin: number
  readonly end: number
  readonly thread: number
  readonly depth: number
  readonly colour: string
}

export interface Picture {
  readonly tracks: readonly Track[]
  readonly layout: Layout
  readonly rows: readonly Rows[]
  readonly window: Range
  readonly scroll: number
  readonly names: readonly string[]
  readonly colourAt: (track: number, rows: Rows, row: number) => string
  readonly selected: boolean
  readonly span: SpanInfo | null
  readonly task: TaskInfo | null
  readonly outlined: readonly Box[] // those that are found, in their own colours
  readonly path: readonly End[]
  readonly marked: Range | null
  readonly points: Points
  readonly ink: GanttInk
}

const painted = new WeakMap<HTMLCanvasElement, Bars>() // room for a picture, used again for the next

export function drawGantt(canvas: HTMLCanvasElement, picture: Picture): void {
  const context = prepare(canvas)
  if (!context) return
  const { width, height } = canvas.getBoundingClientRect()
  const x = (time: number) => ((time - picture.window.begin) / (picture.window.end - picture.window.begin)) * width
  const labels = drawBars(canvas, context, picture)
  context.save()
  context.beginPath()
  context.rect(0, axisHeight, width, height - axisHeight)
  context.clip()
  drawLabels(context, labels, picture.layout.lane)
  context.translate(0, -picture.scroll)
  drawOutlined(context, picture, x, width)
  drawPath(context, picture, x)
  drawSelected(context, picture, x)
  context.restore()
  drawMarked(context, picture, x, height)
  drawAxis(context, picture, x, width)
  drawPoints(context, picture, x, width)
}

function drawBars(canvas: HTMLCanvasElement, context: CanvasRenderingContext2D, picture: Picture): readonly Label[] {
  let bars = painted.get(canvas)
  if (bars?.width !== canvas.width || bars.height !== canvas.height) {
    bars = new Bars(canvas.width, canvas.height)
    painted.set(canvas, bars)
  } else {
    bars.clear()
  }
  const labels: Label[] = []
  for (let track = 0; track < picture.rows.length; track++) paintRows(bars, picture, track, devicePixelRatio || 1, labels)
  bars.put(context)
  return labels
}

// The first row that ends after the time: rows lie one behind another.
function firstAfter(rows: Rows, time: number): number {
  let low = 0
  let high = rows.end.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (rows.end[middle] > time) high = middle
    else low = middle + 1
  }
  return low
}

interface Label {
  readonly text: string
  readonly left: number
  readonly wide: number
  readonly top: number
  readonly colour: string
  readonly alpha: number
}

// The bars of a track; the labels that have room in them are told.
function paintRows(bars: Bars, picture: Picture, track: number, ratio: number, labels: Label[]): void {
  const { layout, window, selected } = picture
  const rows = picture.rows[track]
  const scale = bars.width / (window.end - window.begin)
  const top = Math.round((layout.tops[track] - picture.scroll) * ratio)
  const room = Math.round((layout.lane - 2) * ratio)
  const axis = Math.round(axisHeight * ratio)
  if (top > bars.height || top + room < axis) return
  let bar = 0 // right edge of the last bar: touching ones keep a gap where they are wide enough
  for (let i = firstAfter(rows, window.begin); i < rows.begin.length && rows.begin[i] < window.end; i++) {
    const left = Math.floor((rows.begin[i] - window.begin) * scale)
    const right = Math.min(Math.max(Math.round((rows.end[i] - window.begin) * scale), left + 1), bars.width)
    const from = Math.max(left, bar)
    if (right <= from) continue // the bar before has its pixel
    const length = rows.end[i] - rows.begin[i]
    const share = rows.count[i] === 1 || length <= 0 ? 1 : Math.max(rows.busy[i] / length, shortestBar)
    const colour = picture.colourAt(track, rows, i)
    bar = right - from > 3 * ratio ? right - Math.round(ratio) : right
    const fill = (part: number, alpha?: number) =>
      bars.fill(from, bar, Math.max(top + room - Math.max(Math.round(room * part), 1), axis), top + room, colour, alpha)
    fill(share, selected ? 0.22 : 1)
    if (selected && rows.lit[i] > 0) fill(share * Math.max(rows.lit[i] / Math.max(rows.busy[i], 1), shortestBar))
    if (bar - from <= smallestLabel * ratio || rows.count[i] > 1) continue
    const isPale = selected && rows.lit[i] === 0
    labels.push({
      text: picture.names[rows.site[i]] ?? 'unknown', left: from / ratio, wide: (bar - from) / ratio, top: top / ratio,
      colour: isPale ? picture.ink.text : inkOn(colour), alpha: isPale ? 0.5 : 1,
    })
  }
}

function drawLabels(context: CanvasRenderingContext2D, labels: readonly Label[], lane: number): void {
  context.font = '11px system-ui, sans-serif'
  context.textBaseline = 'middle'
  for (const label of labels) {
    context.save()
    context.globalAlpha = label.alpha
    context.fillStyle = label.colour
    context.beginPath()
    context.rect(label.left, label.top, label.wide - 3, lane - 2)
    context.clip()
    context.fillText(label.text, label.left + 4, label.top + lane / 2 - 0.5)
    context.restore()
  }
}

function topOf(picture: Picture, thread: number, depth: number): number | undefined {
  return picture.layout.topOf.get(`${thread} ${depth}`)
}

function drawOutlined(context: CanvasRenderingContext2D, picture: Picture, x: (t: number) => number, width: number): void {
  const room = picture.layout.lane - 2
  for (const box of picture.outlined) {
    const top = topOf(picture, box.thread, box.depth)
    const [left, right] = [x(box.begin), x(box.end)]
    if (top === undefined || right < 0 || left > width) continue
    context.fillStyle = box.colour
    context.fillRect(left, top, Math.max(right - left, 1), room)
  }
}

function outline(
  context: CanvasRenderingContext2D, left: number, right: number, top: number, lane: number, colour: string, width: number,
): void {
  context.strokeStyle = colour
  context.lineWidth = width
  context.strokeRect(left, top - 0.5, Math.max(right - left, 2), lane - 1)
}

function drawPath(context: CanvasRenderingContext2D, picture: Picture, x: (t: number) => number): void {
  for (const part of picture.path) {
    const top = topOf(picture, part.thread, part.depth)
    if (top !== undefined) outline(context, x(part.begin), x(part.end), top, picture.layout.lane, picture.ink.mark, 1.5)
  }
}

// The selected span, and arrows from what its task waited for and to what waited for it.
function drawSelected(context: CanvasRenderingContext2D, picture: Picture, x: (t: number) => number): void {
  const { span, task } = picture
  if (!span) return
  const top = topOf(picture, span.thread, span.depth)
  if (top === undefined) return
  outline(context, x(span.begin), x(span.end), top, picture.layout.lane, picture.ink.accent, 2)
  if (!task) return
  for (const other of task.before) arrow(context, picture, x, other, task)
  for (const other of task.after) arrow(context, picture, x, task, other)
}

interface End {
  readonly begin: number
  readonly end: number
  readonly thread: number
  readonly depth: number
}

function arrow(context: CanvasRenderingContext2D, picture: Picture, x: (t: number) => number, from: End, to: End): void {
  const [y0, y1] = [topOf(picture, from.thread, from.depth), topOf(picture, to.thread, to.depth)]
  if (y0 === undefined || y1 === undefined) return
  const [x0, x1] = [x(from.end), x(to.begin)]
  const middle = picture.layout.lane / 2
  const bend = Math.max(Math.abs(x1 - x0) / 2, 14)
  context.strokeStyle = picture.ink.accent
  context.fillStyle = picture.ink.accent
  context.lineWidth = 1.5
  context.beginPath()
  context.moveTo(x0, y0 + middle)
  context.bezierCurveTo(x0 + bend, y0 + middle, x1 - bend, y1 + middle, x1, y1 + middle)
  context.stroke()
  context.beginPath()
  context.moveTo(x1, y1 + middle)
  context.lineTo(x1 - 6, y1 + middle - 4)
  context.lineTo(x1 - 6, y1 + middle + 4)
  context.fill()
}

function drawMarked(context: CanvasRenderingContext2D, picture: Picture, x: (t: number) => number, height: number): void {
  if (!picture.marked) return
  const [left, right] = [x(picture.marked.begin), x(picture.marked.end)]
  context.globalCompositeOperation = 'destination-over' // behind the bars
  context.fillStyle = picture.ink.band
  context.fillRect(left, 0, right - left, height)
  context.globalCompositeOperation = 'source-over'
}

// Moments stand under the axis as small triangles.
function drawPoints(context: CanvasRenderingContext2D, picture: Picture, x: (t: number) => number, width: number): void {
  context.fillStyle = picture.ink.mark
  let last = -9
  for (const time of picture.points.time) {
    const at = x(time)
    if (at < 0 || at > width || at - last < 1) continue
    last = at
    context.beginPath()
    context.moveTo(at, axisHeight)
    context.lineTo(at - 4, axisHeight - 7)
    context.lineTo(at + 4, axisHeight - 7)
    context.fill()
  }
}

// The moment at a place of the axis, or -1.
export function pointAt(points: Points, time: number, room: number): number {
  let best = -1
  points.time.forEach((t, i) => {
    const gap = Math.abs(t - time)
    if (gap <= room && (best < 0 || gap < Math.abs(points.time[best] - time))) best = i
  })
  return best
}

function drawAxis(context: CanvasRenderingContext2D, picture: Picture, x: (t: number) => number, width: number): void {
  const { begin, end } = picture.window
  const marks = ticks(begin, end, width / 110)
  const step = marks.length > 1 ? marks[1] - marks[0] : end - begin
  context.font = '11px system-ui, sans-serif'
  context.textBaseline = 'middle'
  context.textAlign = 'left'
  for (const mark of marks) {
    const at = Math.round(x(mark)) + 0.5
    context.strokeStyle = picture.ink.line
    context.lineWidth = 1
    context.beginPath()
    context.moveTo(at, 0)
    context.lineTo(at, axisHeight - 4)
    context.stroke()
    context.fillStyle = picture.ink.faint
    if (at + 60 < width) context.fillText(moment(mark, step), at + 4, axisHeight / 2 - 2)
  }
}
