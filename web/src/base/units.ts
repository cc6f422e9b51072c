// Figures as people read them: three digits and a unit; zero is shown, missing is "-".

function scaled(value: number, units: readonly string[], step: number): string {
  let unit = 0
  let rest = value
  while (Math.abs(rest) >= step && unit < units.length - 1) {
    rest /= step
    unit++
  }
  return `${digits(rest)} ${units[unit]}`
}

// Three digits: 1.23, 12.3, 123.
export function digits(value: number): string {
  if (value === 0) return '0'
  const size = Math.abs(value)
  if (size >= 1e6 || size < 1e-3) return value.toPrecision(3)
  if (size >= 100) return value.toFixed(0)
  return value.toFixed(size >= 10 ? 1 : 2)
}

export function duration(ns: number): string {
  if (!Number.isFinite(ns)) return '-'
  if (ns === 0) return '0 s'
  if (Math.abs(ns) < 1000) return `${Math.round(ns)} ns`
  return scaled(ns / 1000, ['µs', 'ms', 's'], 1000)
}

export function bytes(count: number): string {
  if (!Number.isFinite(count) || count === 0) return '-'
  return scaled(count, ['B', 'kB', 'MB', 'GB', 'TB'], 1000)
}

export function rate(perSecond: number, unit: string): string {
  if (!Number.isFinite(perSecond) || perSecond === 0) return '-'
  return scaled(perSecond, ['', 'k', 'M', 'G', 'T'].map(prefix => `${prefix}${unit}`), 1000)
}

export function count(n: number): string {
  return n.toLocaleString('en').replaceAll(',', ' ')
}

export function percent(share: number): string {
  return `${digits(Math.round(share * 1000) / 10)}%`
}

// A time on the axis, with as many digits as the step between two marks needs.
export function moment(ns: number, step: number): string {
  const units: readonly [number, string][] = [[1e9, 's'], [1e6, 'ms'], [1e3, 'µs'], [1, 'ns']]
  const [size, name] = units.find(([size]) => Math.abs(ns) >= size || size <= step) ?? [1, 'ns']
  const places = Math.min(Math.max(Math.ceil(Math.log10(size / step) - 1e-9), 0), 9)
  return `${(ns / size).toFixed(places)} ${name}`
}

// Round marks between two times, about so many.
export function ticks(begin: number, end: number, wanted: number): readonly number[] {
  const rough = (end - begin) / Math.max(wanted, 1)
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)))
  const step = Math.max([1, 2, 5, 10].map(f => f * power).find(s => s >= rough) ?? power, 1)
  const marks: number[] = []
  for (let t = Math.ceil(begin / step) * step; t <= end; t += step) marks.push(t)
  return marks
}

// How long ago a moment was (milliseconds since 1970), as people say it.
export function ago(time: number, now = Date.now()): string {
  if (!time) return '-'
  const seconds = Math.max((now - time) / 1000, 0)
  const units: readonly [number, string][] = [[86_400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']]
  const [size, name] = units.find(([size]) => seconds >= size) ?? [1, 's']
  return `${Math.floor(seconds / size)} ${name} ago`
}
