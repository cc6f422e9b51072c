import { scaleColour } from '../base/colours'
import { bytes, count } from '../base/units'
import { largest } from '../base/largest'
import { loaded, marked, optionOf, setOption, traceId, visible } from '../model/state'
import { useAnswer, useSource } from './context'
import { Choice, ScaleKey } from './widgets'

const figures = { bytes: 'bytes', messages: 'messages' } as const

// Who sent how much to whom: a row for each sender, a column for each receiver.
export function MessagesView() {
  const source = useSource()
  const answer = useAnswer(() => {
    const range = marked.value ?? visible.value
    return loaded.value ? source.messages(traceId.value, Math.floor(range.begin), Math.ceil(range.end)) : null
  })
  const found = answer.value
  if (!loaded.value || !found) return null
  if (found.from.length === 0) {
    return <p class="empty">No messages in this window: one process ran, or its ranks did not talk. OTF2 archives of MPI programs have them.</p>
  }
  const by = optionOf('messages.by', Object.keys(figures) as (keyof typeof figures)[])
  const value = (i: number) => (by === 'bytes' ? Math.max(found.bytes_sent[i], found.bytes_received[i]) : Math.max(found.sent[i], found.received[i]))
  const ranks = largest([...found.from, ...found.to], 0) + 1
  const values = found.from.map((_, i) => value(i))
  const most = largest(values, 1)
  const text = by === 'bytes' ? bytes : count
  const cells = new Map(found.from.map((from, i) => [from * ranks + found.to[i], i]))
  const numbers = Array.from({ length: ranks }, (_, r) => r)
  return (
    <div class="fill">
      <div class="bar">
        <Choice label="by" table={figures} value={by} set={to => setOption('messages.by', to)} />
        <ScaleKey least="0" most={text(most)} />
        <span class="faint">{text(values.reduce((a, b) => a + b, 0))} in {marked.value ? 'the marked time' : 'view'}</span>
      </div>
      <div class="scroll">
        <table class="matrix" aria-label="messages between ranks">
          <thead><tr><th>from ╲ to</th>{numbers.map(r => <th key={r} scope="col">{r}</th>)}</tr></thead>
          <tbody>
            {numbers.map(from => (
              <tr key={from}>
                <th scope="row">{from}</th>
                {numbers.map(to => {
                  const i = cells.get(from * ranks + to)
                  const share = i === undefined ? NaN : values[i] / most
                  return (
                    <td key={to} title={i === undefined ? `${from} → ${to}: nothing` : `${from} → ${to}: ${count(found.sent[i])} sent, ${count(found.received[i])} received, ${bytes(found.bytes_sent[i])}`}
                      style={i === undefined ? {} : { background: scaleColour(share), color: share > 0.6 ? '#14171a' : '#ffffff' }}>
                      {i === undefined ? '' : text(values[i])}
                    </td>
                  )
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  )
}
