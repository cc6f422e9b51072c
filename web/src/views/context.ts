// What all views share: where figures come from, and how to wait for them.
import { type Signal, useSignal, useSignalEffect } from '@preact/signals'
import { createContext } from 'preact'
import { useContext, useEffect, useRef } from 'preact/hooks'
import { Problem, type Source } from '../api/types'
import { trouble } from '../model/state'

export const SourceContext = createContext<Source>(undefined as unknown as Source)
export const useSource = () => useContext(SourceContext)

export function report(error: unknown): void {
  trouble.value = error instanceof Problem ? error : new Problem(0, String((error as Error)?.message ?? error))
}

// What a question that depends on signals was answered last. A newer question makes older answers void;
// while one is under way the next waits, so moving about asks for what is wanted at last.
export function useAnswer<T>(ask: () => Promise<T> | null): Signal<T | null> {
  const answer = useSignal<T | null>(null)
  const turn = useSignal(0)
  const state = useRef({ busy: false, again: false, ends: false })
  const asked = useRef(ask)
  asked.current = ask
  useSignalEffect(() => {
    void turn.value
    const now = state.current
    if (now.busy) {
      // From here on this waits for its turn alone; then it asks anew.
      now.again = true
      return
    }
    const question = asked.current()
    if (!question) {
      answer.value = null
      return
    }
    now.busy = true
    question
      .then(value => {
        if (!now.ends) answer.value = value
      })
      .catch(error => {
        if (!now.ends) report(error)
      })
      .finally(() => {
        now.busy = false
        if (now.again && !now.ends) turn.value++
        now.again = false
      })
  })
  useEffect(() => {
    state.current.ends = false
    return () => {
      state.current.ends = true
    }
  }, [])
  return answer
}

// Draws into a canvas whenever signals that `draw` reads change, and when its size does.
export function useDrawing(draw: (canvas: HTMLCanvasElement) => void): { current: HTMLCanvasElement | null } {
  const canvas = useRef<HTMLCanvasElement>(null)
  const drawn = useRef(draw)
  drawn.current = draw
  const size = useSignal(0)
  useSignalEffect(() => {
    void size.value
    if (canvas.current) drawn.current(canvas.current)
  })
  useEffect(() => {
    const watch = new ResizeObserver(() => size.value++)
    if (canvas.current) watch.observe(canvas.current)
    return () => watch.disconnect()
  }, [])
  return canvas
}

// A colour of the theme.
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
}
