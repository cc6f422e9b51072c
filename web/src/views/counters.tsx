import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import type { CounterInfo, Samples } from '../api/types'
import { digits, duration, bytes } from '../base/units'
import { loaded, type Range, theme, traceId, visible } from '../model/state'
import { colour, useAnswer, useSource } from './context'

const bins = 400

// Measured quantities on the clock of the Gantt chart: the mean, between the least and the most.
export function CountersView() {
  const now = loaded.value
  if (!now) return null
  const sampled = now.summary.counters.map((c, i) => ({ ...c, i })).filter(c => c.samples > 0)
  if (sampled.length === 0) {
    return <p class="empty">No counter was sampled. <code>jetlag counters list</code> shows what this machine can measure.</p>
  }
  return (
    <div class="scroll plots">
      {sampled.map(c => <Plot key={c.i} counter={c} number={c.i} />)}
    </div>
  )
}

function valueText(value: number, unit: string): string {
  if (unit === 'B') return bytes(value)
  if (unit === 'ns') return duration(value)
  return `${digits(value)}${unit === '1' ? '' : ` ${unit}`}`
}

function Plot({ counter, number }: { readonly counter: CounterInfo; readonly number: number }) {
  const source = useSource()
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const range = useSignal<Range>(visible.value)
  const samples = useAnswer(() => {
    const window = { ...visible.value, bins }
    return source.samples(traceId.value, number, window).then(answer => {
      range.value = window
      return answer
    })
  })
  useEffect(() => {
    const element = place.current!
    const options: uPlot.Options = {
      width: element.clientWidth, height: 92, legend: { show: false }, cursor: { sync: { key: 'time' }, drag: { x: false, y: false } },
      scales: { x: { time: false } },
      axes: [
        { show: false },
        { size: 74, stroke: colour('faint'), grid: { stroke: colour('line') }, ticks: { show: false }, values: (_, values) => values.map(v => valueText(v, counter.unit)), font: '11px system-ui' },
      ],
      series: [
        {},
        { stroke: 'transparent', points: { show: false } },
        { stroke: 'transparent', points: { show: false } },
        { stroke: colour('accent'), width: 1.5, spanGaps: true, points: { show: false } },
      ],
      bands: [{ series: [2, 1], fill: colour('band') }],
    }
    plot.current = new uPlot(options, dataOf(samples.value, range.value), element)
    const watch = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: 92 }))
    watch.observe(element)
    return () => {
      watch.disconnect()
      plot.current?.destroy()
    }
  }, [theme.value])
  useEffect(() => plot.current?.setData(dataOf(samples.value, range.value)), [samples.value])
  return (
    <figure class="plot">
      <figcaption title={counter.doc}>{counter.name} <span class="faint">{counter.doc}</span></figcaption>
      <div ref={place} />
    </figure>
  )
}

function dataOf(samples: Samples | null, range: Range): uPlot.AlignedData {
  const n = samples?.mean.length ?? 0
  const times = Array.from({ length: n }, (_, i) => range.begin + ((i + 0.5) / n) * (range.end - range.begin))
  return [times, [...(samples?.least ?? [])], [...(samples?.most ?? [])], [...(samples?.mean ?? [])]]
}
