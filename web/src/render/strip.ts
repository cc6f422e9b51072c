// The utilisation strip: how busy the threads were over the whole run, and the share of what is selected.
import type { Busy } from '../api/types'
import type { Range } from '../model/state'

export interface Ink {
  readonly area: string
  readonly lit: string
  readonly frame: string
  readonly veil: string
}

export function drawStrip(
  canvas: HTMLCanvasElement, busy: Busy, length: number, window: Range, ink: Ink, selected: boolean,
): void {
  const context = prepare(canvas)
  if (!context) return
  const { width, height } = canvas.getBoundingClientRect()
  const area = (values: readonly number[], colour: string) => {
    context.fillStyle = colour
    context.beginPath()
    context.moveTo(0, height)
    values.forEach((value, i) => {
      const x = (i / values.length) * width
      context.lineTo(x, height - value * (height - 2))
      context.lineTo(x + width / values.length, height - value * (height - 2))
    })
    context.lineTo(width, height)
    context.fill()
  }
  context.globalAlpha = selected ? 0.35 : 1
  area(busy.all, ink.area)
  context.globalAlpha = 1
  if (selected) area(busy.lit, ink.lit)
  const x0 = (window.begin / length) * width
  const x1 = (window.end / length) * width
  if (x0 <= 0 && x1 >= width) return
  context.fillStyle = ink.veil
  context.fillRect(0, 0, x0, height)
  context.fillRect(x1, 0, width - x1, height)
  context.strokeStyle = ink.frame
  context.lineWidth = 2
  context.strokeRect(x0, 1, Math.max(x1 - x0, 2), height - 2)
}

// A context whose unit is a CSS pixel, cleared; null where there is no room.
export function prepare(canvas: HTMLCanvasElement): CanvasRenderingContext2D | null {
  const { width, height } = canvas.getBoundingClientRect()
  const ratio = devicePixelRatio || 1
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)]
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w
    canvas.height = h
  }
  const context = canvas.getContext('2d')
  if (!context || w === 0 || h === 0) return null
  context.setTransform(ratio, 0, 0, ratio, 0, 0)
  context.clearRect(0, 0, width, height)
  return context
}
