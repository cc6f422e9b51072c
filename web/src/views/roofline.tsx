import { digits, duration, rate } from '../base/units'
import { largest } from '../base/largest'
import { litSites, loaded, select } from '../model/state'
import { roofline } from '../model/roofline'
import { colours } from './colours'

const [width, height] = [760, 240]
const [left, bottom, right, top] = [74, 34, 16, 12]

// What bounds each site: far to the left it waits for memory, below the roof it could be faster.
export function RooflineView() {
  const now = loaded.value
  if (!now) return null
  const { points, bandwidth, speed } = roofline(now.sites)
  if (points.length === 0) {
    return <p class="empty">No span of this trace said how many bytes it moved and how many operations it did.</p>
  }
  const logs = (values: readonly number[]) => [Math.floor(Math.min(...values.map(Math.log10))), Math.ceil(Math.max(...values.map(Math.log10)) + 1e-9)]
  const [x0, x1] = logs([...points.slice(0, 1000).map(p => p.intensity), speed / bandwidth])
  const [y0, y1] = logs([...points.slice(0, 1000).map(p => p.speed), speed])
  const x = (value: number) => left + ((Math.log10(value) - x0) / Math.max(x1 - x0, 1)) * (width - left - right)
  const y = (value: number) => height - bottom - ((Math.log10(value) - y0) / Math.max(y1 - y0, 1)) * (height - bottom - top)
  const powers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => 10 ** (from + i))
  const most = largest(points.map(p => p.time), 1)
  const knee = Math.max(speed / bandwidth, 10 ** x0)
  const start = 10 ** x0
  return (
    <div class="fill">
      <div class="bar faint">the roof is the best of this run: {rate(bandwidth, 'B/s')}, {rate(speed, 'F/s')}; the larger a dot, the more time</div>
      <svg class="roofline" viewBox={`0 0 ${width} ${height}`} role="img" aria-label="speed over operations per byte">
        {powers(x0, x1).map(v => (
          <g key={`x${v}`}>
            <line x1={x(v)} x2={x(v)} y1={top} y2={height - bottom} class="grid" />
            <text x={x(v)} y={height - bottom + 14} text-anchor="middle">{digits(v)}</text>
          </g>
        ))}
        {powers(y0, y1).map(v => (
          <g key={`y${v}`}>
            <line x1={left} x2={width - right} y1={y(v)} y2={y(v)} class="grid" />
            <text x={left - 6} y={y(v) + 4} text-anchor="end">{rate(v, 'F/s')}</text>
          </g>
        ))}
        <text x={(left + width - right) / 2} y={height - 4} text-anchor="middle">operations a byte</text>
        <polyline class="roof" points={`${x(start)},${y(Math.max(start * bandwidth, 10 ** y0))} ${x(knee)},${y(speed)} ${width - right},${y(speed)}`} />
        {points.slice(0, 1000).map(p => (
          <circle key={p.site} cx={x(p.intensity)} cy={y(p.speed)} r={4 + 9 * Math.sqrt(p.time / most)} fill={colours.value[p.site]}
            class={litSites.value.has(p.site) ? 'chosen' : ''} tabIndex={0}
            onClick={() => select({ kind: 'sites', sites: [p.site] })}
            onKeyDown={event => event.key === 'Enter' && select({ kind: 'sites', sites: [p.site] })}>
            <title>{`${now.sites.name[p.site]} ${now.sites.text[p.site]}\n${rate(p.speed, 'F/s')}, ${digits(p.intensity)} operations a byte, ${duration(p.time)}`}</title>
          </circle>
        ))}
      </svg>
    </div>
  )
}
