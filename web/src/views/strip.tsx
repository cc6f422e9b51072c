import { useRef } from 'preact/hooks'
import { drawStrip } from '../render/strip'
import { chosen, found, loaded, selection, show, theme, traceId, visible, whole } from '../model/state'
import { busyShare } from '../model/found'
import { colour, useAnswer, useDrawing, useSource } from './context'

const bins = 960

// The whole run at a glance; drag over it to look at a part.
export function Strip() {
  const source = useSource()
  const busy = useAnswer(() => {
    const now = loaded.value
    if (!now) return null
    return source.busy(traceId.value, { ...whole(now.summary), bins }, chosen.value)
  })
  const canvas = useDrawing(canvas => {
    const now = loaded.value
    void theme.value
    if (!now || !busy.value) return
    const ink = { area: colour('busy'), lit: colour('accent'), frame: colour('text'), veil: colour('veil') }
    const spans = selection.value.kind === 'spans' ? found.value : null
    const shown = spans ? { ...busy.value, lit: busyShare(spans, now.summary, bins) } : busy.value
    drawStrip(canvas, shown, Math.max(now.summary.length, 1), visible.value, ink, selection.value.kind !== 'none')
  })
  const from = useRef<number | null>(null)
  const timeAt = (event: PointerEvent) => {
    const box = canvas.current!.getBoundingClientRect()
    return ((event.clientX - box.left) / box.width) * (loaded.value?.summary.length ?? 1)
  }
  return (
    <div class="strip" title="Utilisation: the busy share of all threads over the run. Drag to look at a part; double-click for all.">
      <span class="strip-name">busy threads</span>
      <canvas
        ref={canvas}
        role="img"
        aria-label="utilisation of the threads over the whole run"
        onPointerDown={event => {
          from.current = timeAt(event)
          canvas.current!.setPointerCapture(event.pointerId)
        }}
        onPointerMove={event => {
          if (from.current === null) return
          const to = timeAt(event)
          if (Math.abs(to - from.current) > 0) show({ begin: Math.min(from.current, to), end: Math.max(from.current, to) })
        }}
        onPointerUp={event => {
          const start = from.current
          from.current = null
          if (start === null || Math.abs(timeAt(event) - start) > 0) return
          const half = (visible.value.end - visible.value.begin) / 2
          show({ begin: start - half, end: start + half })
        }}
        onDblClick={() => loaded.value && (visible.value = whole(loaded.value.summary))}
      />
    </div>
  )
}
