import { loaded, options, optionOf, setOption } from '../model/state'
import type { CounterInfo } from '../api/types'
import { Plot } from './counter-plot'
import { Choice } from './widgets'

const shapes = { separate: 'each by itself', overlaid: 'over each other', stacked: 'stacked' } as const
const values = { value: 'as they are', rate: 'change a second' } as const

export interface Counted extends CounterInfo {
  readonly number: number
}

// Measured quantities on the clock of the Gantt chart.
export function CountersView() {
  const now = loaded.value
  if (!now) return null
  const sampled = now.summary.counters.map((c, number): Counted => ({ ...c, number })).filter(c => c.samples > 0)
  if (sampled.length === 0) {
    return <p class="empty">No counter was sampled. <code>jetlag counters list</code> shows what this machine can measure.</p>
  }
  const shape = optionOf('counters.as', Object.keys(shapes) as (keyof typeof shapes)[])
  const what = optionOf('counters.value', Object.keys(values) as (keyof typeof values)[])
  const hidden = new Set((options.value['counters.hidden'] ?? '').split(' '))
  const shown = sampled.filter(c => !hidden.has(c.name))
  const toggle = (name: string) => {
    const next = new Set(hidden)
    if (!next.delete(name)) next.add(name)
    setOption('counters.hidden', [...next].filter(Boolean).join(' '))
  }
  // What has one unit shares an axis.
  const groups = shape === 'separate' ? shown.map(c => [c]) : [...new Set(shown.map(c => c.unit))].map(unit => shown.filter(c => c.unit === unit))
  return (
    <div class="fill">
      <div class="bar">
        <Choice label="as" table={shapes} value={shape} set={to => setOption('counters.as', to)} />
        <Choice label="values" table={values} value={what} set={to => setOption('counters.value', to)} />
        <details class="pick">
          <summary>{shown.length} of {sampled.length} counters</summary>
          <div>
            <button class="plain" onClick={() => setOption('counters.hidden', '')}>all</button>
            <button class="plain" onClick={() => setOption('counters.hidden', sampled.map(c => c.name).join(' '))}>none</button>
            {sampled.map(c => (
              <label key={c.name} title={c.doc}><input type="checkbox" checked={!hidden.has(c.name)} onChange={() => toggle(c.name)} /> {c.name}</label>
            ))}
          </div>
        </details>
      </div>
      <div class="scroll plots" tabIndex={0} role="group" aria-label="plots">
        {groups.map(group => <Plot key={`${shape} ${what} ${group.map(c => c.number)}`} counters={group} stacks={shape === 'stacked'} isRate={what === 'rate'} />)}
        {groups.length === 0 && <p class="empty">No counter is chosen.</p>}
      </div>
    </div>
  )
}
