// The binary answer of {trace}/rows, as docs/serving.md describes it.
import type { Rows } from './types'

export function decodeRows(buffer: ArrayBuffer, tracks: number): readonly Rows[] {
  const counts = new Uint32Array(buffer, 0, tracks)
  const rows = counts.reduce((sum, n) => sum + n, 0)
  let at = (tracks + (tracks % 2)) * 4
  const column = <T>(make: new (b: ArrayBuffer, at: number, n: number) => T, bytes: number): T => {
    const values = new make(buffer, at, rows)
    at += rows * bytes
    return values
  }
  const all = {
    begin: column(Float64Array, 8),
    end: column(Float64Array, 8),
    busy: column(Float32Array, 4),
    lit: column(Float32Array, 4),
    count: column(Uint32Array, 4),
    site: column(Int32Array, 4),
    span: column(Int32Array, 4),
  }
  const measure = buffer.byteLength === at + rows * 4 && rows > 0 ? column(Float32Array, 4) : undefined
  if (at !== buffer.byteLength) throw new Error(`the answer has ${buffer.byteLength} bytes, not ${at}`)
  const result: Rows[] = []
  let first = 0
  for (const n of counts) {
    const cut = (name: keyof typeof all) => all[name].subarray(first, first + n)
    result.push({
      begin: cut('begin'), end: cut('end'), busy: cut('busy'), lit: cut('lit'),
      count: cut('count'), site: cut('site'), span: cut('span'),
      measure: measure?.subarray(first, first + n),
    })
    first += n
  }
  return result
}
