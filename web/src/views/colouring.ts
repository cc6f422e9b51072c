// What colours the chart: the site, the thread, the rank, or a measure of the longest span of each row.
import { colourOfNumber, scaleColour } from '../base/colours'
import { bytes, digits, duration } from '../base/units'
import { largest } from '../base/largest'
import type { Rows } from '../api/types'
import { type Loaded, optionOf } from '../model/state'
import { colours } from './colours'

// As src/trace/store/measures.cpp has them, with a name that people read.
export const colourings = {
  site: 'site', thread: 'thread', rank: 'rank', duration: 'duration', wait: 'wait', slack: 'slack', bytes: 'bytes moved',
  flops: 'operations', bandwidth: 'bandwidth', speed: 'speed', intensity: 'intensity',
} as const
export type Colouring = keyof typeof colourings

const units: Partial<Record<Colouring, (value: number) => string>> = {
  duration, wait: duration, slack: duration, bytes,
  flops: v => `${digits(v)} flop`, bandwidth: v => `${digits(v)} GB/s`, speed: v => `${digits(v)} Gflop/s`,
  intensity: v => `${digits(v)} flop/B`,
}

export const colouring = () => optionOf('gantt.colour', Object.keys(colourings) as Colouring[])

export function measureAsked(): string | undefined {
  const by = colouring()
  return by in units ? by : undefined
}

export interface Scale {
  readonly least: number
  readonly most: number
  readonly isLinear: boolean // where nothing is a value as well: it is what one looks for
  readonly text: (value: number) => string
}

const known = new WeakMap<readonly Rows[], Scale | null>()

// From the least to the most of what is there, by powers where that says more. Null where nothing was measured.
export function scaleOf(rows: readonly Rows[] | null): Scale | null {
  const text = units[colouring()]
  if (!text || !rows) return null
  if (!known.has(rows)) known.set(rows, findScale(rows, text))
  return known.get(rows)!
}

function findScale(rows: readonly Rows[], text: (value: number) => string): Scale | null {
  let least = Infinity
  for (const of of rows) {
    const values = of.measure
    for (let i = 0; values && i < values.length; i++) if (values[i] > 0 && values[i] < least) least = values[i]
  }
  const most = largest(rows.map(of => largest(Array.from(of.measure ?? []).filter(v => v >= 0), 0)), 0)
  const isLinear = colouring() === 'slack' || colouring() === 'wait'
  return most > 0 ? { least: isLinear ? 0 : Math.min(least, most), most, isLinear, text } : null
}

export function shareOf(scale: Scale, value: number): number {
  if (Number.isNaN(value)) return NaN
  if (scale.isLinear) return value / scale.most
  if (value <= scale.least) return 0
  return Math.log(value / scale.least) / Math.max(Math.log(scale.most / scale.least), 1e-9)
}

export function coloursFor(now: Loaded, rows: readonly Rows[]): (track: number, rows: Rows, row: number) => string {
  const by = colouring()
  const { tracks } = now.summary
  if (by === 'thread') return track => colourOfNumber(tracks[track].thread)
  if (by === 'rank') return track => colourOfNumber(tracks[track].rank)
  const scale = scaleOf(rows)
  if (by !== 'site') return (_, of, row) => scaleColour(scale ? shareOf(scale, of.measure?.[row] ?? NaN) : NaN)
  const bySite = colours.value
  return (_, of, row) => bySite[of.site[row]] ?? '#9aa0a6'
}
