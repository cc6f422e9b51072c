// A tour of five minutes: each step shows something on a sample run, and says what to look for.
import { batch } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { readLayout, usual } from '../model/layout'
import { nothing, readSelection } from '../model/selection'
import { layout, loaded, marked, options, selection, touring, visible, whole } from '../model/state'

interface Step {
  readonly title: string
  readonly text: string
  readonly views?: string
  readonly selected?: string
  readonly time?: readonly [number, number] // shares of the run
  readonly options?: Readonly<Record<string, string>>
}

const steps: readonly Step[] = [
  {
    title: 'How busy was it?', views: 'gantt',
    text: 'The strip at the top is the whole run: how many of its threads worked. It never fills up here: somebody always waits. Drag over it to look at a part; double-click for all.',
  },
  {
    title: 'Who waited for whom?', views: 'gantt', time: [0.2, 0.45],
    text: 'Each row is a thread, each box something that ran. Worker 2 is still busy when the others have stopped: it has more to do. W and S look closer and farther, A and D go left and right, F shows all.',
  },
  {
    title: 'One selection, everywhere', views: 'r55-gantt-c50-source-sites', selected: 'line:8:fit.py', time: [0.2, 0.45],
    text: 'Line 8 is selected. Its spans are lit in the chart, its sites in the table, its share in the strip. Click any of those, and the line lights up in turn. Escape selects nothing.',
  },
  {
    title: 'Two hills', views: 'c50-gantt-histogram', selected: 'sites:2',
    text: 'The spans of dot(x, w), by how long they took. Two hills mean two kinds of work: most take 0.9 ms, those of worker 2 nearly twice as long. Drag over the right hill: they light up in the chart.',
  },
  {
    title: 'What would help?', views: 'c50-gantt-critical', time: [0.2, 0.45],
    text: 'The critical path is framed in the chart: only what lies on it can make the run shorter. The table says how long the path would be if a site took half as long.',
  },
  {
    title: 'What has time to spare?', views: 'gantt', options: { 'gantt.colour': 'slack' }, time: [0.2, 0.45],
    text: 'The chart in the colours of slack: dark tasks have none, bright ones could end later and nobody would notice. Give the bright workers some of what worker 2 does.',
  },
  {
    title: 'Memory or arithmetic?', views: 'r50-roofline-plan', selected: 'sites:3',
    text: 'sigmoid stands far to the left: it moves much and computes little, so it waits for memory. Fusing it with what makes its operand would help; more workers would not.',
  },
  {
    title: 'Make it yours', views: 'r61-c53-gantt-sites.details-source.tree',
    text: 'Drag a tab to move its view, + adds one, Ctrl K finds anything by its name, ? shows all keys. The address holds what you see: send it to somebody.',
  },
]

export function Tour({ leave }: { readonly leave: () => void }) {
  const at = touring.value
  const step = steps[at]
  const now = loaded.value
  useEffect(() => {
    if (!step || !now) return
    const all = whole(now.summary)
    batch(() => {
      layout.value = readLayout(step.views ?? '') ?? usual
      options.value = step.options ?? {}
      selection.value = readSelection(step.selected ?? '')
      marked.value = null
      visible.value = step.time ? { begin: step.time[0] * all.end, end: step.time[1] * all.end } : all
    })
  }, [at, now === null])
  if (!step) return null
  const end = () => {
    selection.value = nothing
    leave()
  }
  return (
    <aside class="tour" role="dialog" aria-label="tour" aria-live="polite">
      <p class="faint">{at + 1} of {steps.length}, on a sample run</p>
      <h2>{step.title}</h2>
      <p>{step.text}</p>
      <p class="tour-buttons">
        <button class="plain" onClick={end}>end the tour</button>
        <span class="room" />
        {at > 0 && <button class="plain" onClick={() => touring.value--}>back</button>}
        <button class="plain next" onClick={() => (at + 1 < steps.length ? touring.value++ : end())}>{at + 1 < steps.length ? 'next' : 'done'}</button>
      </p>
    </aside>
  )
}
