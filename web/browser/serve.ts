// A served trace and a real browser, for tests and pictures.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type Browser, chromium, type Page } from 'playwright-core'

export interface Served {
  readonly address: string
  stop(): void
}

export const tool = process.env.JETLAG ?? '../.venv/bin/jetlag'

export async function serve(...places: string[]): Promise<Served> {
  const child = spawn(tool, ['serve', '--with-input', '--no-jobs', ...places], { stdio: ['pipe', 'pipe', 'inherit'] })
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string]
  const address = /http:\/\/\S+/.exec(line)?.[0]
  if (!address) throw new Error(`jetlag serve said: ${line}`)
  return { address, stop: () => child.stdin!.end() }
}

export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  })
}

// The id of a trace, by its file.
export async function traceAt(address: string, path: string): Promise<string> {
  const { origin, search } = new URL(address)
  const list = (await (await fetch(`${origin}/v1/traces${search}`)).json()) as { id: string; name: string }[]
  return list.find(t => t.name === path.split('/').pop())!.id
}

// Opens a page on the chart of a trace, and waits until spans are drawn in it.
export async function openChart(page: Page, address: string, trace: string): Promise<void> {
  await page.goto(`${address}#trace=${trace}&views=gantt`)
  await page.waitForFunction(() => {
    const chart = document.querySelector<HTMLCanvasElement>('.gantt canvas')
    if (!chart?.width) return false
    const { data } = chart.getContext('2d')!.getImageData(chart.width >> 1, 0, 1, chart.height)
    return new Set(new Uint32Array(data.buffer)).size > 3
  }, undefined, { polling: 'raf' })
}
