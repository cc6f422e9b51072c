// What the tests in a browser share: a served folder, pages that count their errors, traces by their files.
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import { openBrowser, type Served, serve, traceAt } from './serve'

export const traces = (process.env.TRACES ?? '').split(':').filter(Boolean)
let served: Served
let browser: Browser

// For the tests of one file: a browser, and the two listings.
export function useBrowser(...more: readonly string[]): void {
  beforeAll(async () => {
    served = await serve(...traces, ...more)
    browser = await openBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    served?.stop()
  })
}

export const address = () => served.address
// The same page elsewhere: only the part behind the # changes.
export const turn = (page: Page, hash: string) => page.goto(`${page.url().split('#')[0]}#${hash}`)
export const newContext = (...options: Parameters<Browser['newContext']>) => browser.newContext(...options)

export function watch(page: Page): string[] {
  const errors: string[] = []
  page.on('console', message => message.type() === 'error' && errors.push(message.text()))
  page.on('pageerror', error => errors.push(error.message))
  return errors
}

export interface Opened {
  readonly page: Page
  readonly errors: string[]
}

export async function open(hash = '', at = served.address, viewport = { width: 1280, height: 720 }): Promise<Opened> {
  const page = await browser.newPage({ viewport })
  const errors = watch(page)
  await page.goto(`${at}#${hash}`)
  return { page, errors }
}

export const idOf = (path: string) => traceAt(served.address, path)
