// What is made of the samples of counters: rates, and one on top of the other.
export type Series = readonly (number | null)[]

// The change a second between neighbouring values; gaps are passed over. `step` is nanoseconds from one to the next.
export function rates(values: Series, step: number): Series {
  let last = -1
  return values.map((value, i) => {
    if (value === null) return null
    const before = last < 0 ? null : values[last]!
    const gap = i - last
    last = i
    return before === null ? null : ((value - before) / (gap * step)) * 1e9
  })
}

// Each value on top of those of the series before it; where one is not known, its last value stands.
export function stacked(all: readonly Series[]): readonly Series[] {
  const base = new Array<number>(all[0]?.length ?? 0).fill(0)
  return all.map(series => {
    let last = 0
    return series.map((value, i) => {
      last = value ?? last
      base[i] += last
      return base[i]
    })
  })
}
