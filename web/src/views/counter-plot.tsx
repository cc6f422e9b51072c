import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import type { Samples } from '../api/types'
import { colourOf } from '../base/colours'
import { bytes, digits, duration } from '../base/units'
import { rates, type Series, stacked } from '../model/counters'
import { marked, type Range, theme, traceId, visible } from '../model/state'
import { colour, useAnswer, useSource } from './context'
import type { Counted } from './counters'

const bins = 400
const [alone, together] = [92, 150] // heights

function valueText(value: number, unit: string, isRate: boolean): string {
  const after = isRate ? '/s' : ''
  if (unit === 'B') return value === 0 ? '0' : bytes(value) + after
  if (unit === 'ns') return isRate ? digits(value / 1e9) : duration(value)
  return `${digits(value)}${unit === '1' ? '' : ` ${unit}`}${after}`
}

interface Props {
  readonly counters: readonly Counted[] // of one unit
  readonly stacks: boolean
  readonly isRate: boolean
}

// One counter with its least and most, or several of one unit.
export function Plot({ counters, stacks, isRate }: Props) {
  const source = useSource()
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const range = useSignal<Range>(visible.value)
  const samples = useAnswer(() => {
    const window = { ...visible.value, bins }
    return Promise.all(counters.map(c => source.samples(traceId.value, c.number, window))).then(answer => {
      range.value = window
      return answer
    })
  })
  const [first] = counters
  const isAlone = counters.length === 1
  const withBand = isAlone && !isRate && !stacks
  const height = isAlone ? alone : together
  const inks = counters.map(c => (isAlone ? colour('accent') : colourOf(c.name, '')))
  useEffect(() => {
    const element = place.current!
    const line = (stroke: string, fill?: string): uPlot.Series => ({ stroke, fill, width: 1.5, spanGaps: true, points: { show: false } })
    const options: uPlot.Options = {
      width: element.clientWidth, height, legend: { show: false }, cursor: { sync: { key: 'time' }, drag: { x: true, y: false, setScale: false } },
      hooks: { setSelect: [u => markTime(u)] },
      scales: { x: { time: false } },
      axes: [
        { show: false },
        { size: 122, stroke: colour('faint'), grid: { stroke: colour('line') }, ticks: { show: false }, values: (_, values) => values.map(v => valueText(v, first.unit, isRate)), font: '11px system-ui' },
      ],
      series: [{}, ...(withBand ? [line('transparent'), line('transparent')] : []), ...inks.map((ink, i) => line(ink, stacks && i === 0 ? `${ink}66` : undefined))],
      bands: withBand ? [{ series: [2, 1], fill: colour('band') }]
        : stacks ? inks.slice(1).map((ink, i): uPlot.Band => ({ series: [i + 2, i + 1], fill: `${ink}66` })) : [],
    }
    plot.current = new uPlot(options, dataOf(samples.value, range.value, withBand, isRate, stacks), element)
    const watch = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }))
    watch.observe(element)
    return () => {
      watch.disconnect()
      plot.current?.destroy()
    }
  }, [theme.value])
  useEffect(() => plot.current?.setData(dataOf(samples.value, range.value, withBand, isRate, stacks)), [samples.value])
  return (
    <figure class="plot">
      <figcaption title={first.doc}>
        {counters.map((c, i) => <span key={c.name}>{!isAlone && <i class="swatch" style={{ background: inks[i] }} />}{c.name} </span>)}
        <span class="faint">{isAlone ? first.doc : ''}{isRate ? ' (change a second)' : ''}</span>
      </figcaption>
      <div ref={place} />
    </figure>
  )
}

// A drag marks a time, as in the chart.
function markTime(plot: uPlot): void {
  const { left, width } = plot.select
  if (width < 3) return
  marked.value = { begin: plot.posToVal(left, 'x'), end: plot.posToVal(left + width, 'x') }
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
}

function dataOf(samples: readonly Samples[] | null, range: Range, withBand: boolean, isRate: boolean, stacks: boolean): uPlot.AlignedData {
  const n = samples?.[0]?.mean.length ?? 0
  const width = (range.end - range.begin) / Math.max(n, 1)
  const times = Array.from({ length: n }, (_, i) => range.begin + (i + 0.5) * width)
  const means = (samples ?? []).map((s): Series => (isRate ? rates(s.mean, width) : s.mean))
  const lines = stacks ? stacked(means) : means
  const band = withBand && samples ? [samples[0].least, samples[0].most] : []
  return [times, ...[...band, ...lines].map(s => [...s])] as uPlot.AlignedData
}
