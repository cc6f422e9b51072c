// A served trace and a real browser, for tests and pictures.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type Browser, chromium } from 'playwright-core'

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
