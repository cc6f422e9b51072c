// speedscope, in the browser, opens what is exported for it and what is exported for Chrome.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { newContext, traces, useBrowser, watch } from './page'
import { tool } from './serve'

const speedscope = 'node_modules/speedscope/dist/release'
const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }
let folder: string
let site: Server
let origin: string

useBrowser()
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'exports-'))
  site = createServer((request, response) => {
    const path = request.url!.split('?')[0]!
    try {
      const content = readFileSync(path.startsWith('/exported/') ? join(folder, path.slice(10)) : speedscope + path)
      response.setHeader('content-type', types[extname(path)] ?? 'application/octet-stream')
      response.end(content)
    } catch {
      response.writeHead(404).end()
    }
  }).listen(0, '127.0.0.1')
  await once(site, 'listening')
  origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`
})
afterAll(() => {
  site.close()
  rmSync(folder, { recursive: true })
})

it.each(['speedscope', 'chrome'])('speedscope opens the export to %s and lists its functions', async format => {
  const file = `${format}-run.json`  // it takes a name in `.chrome.json` for what a profiler of V8 wrote
  execFileSync(tool, ['trace', 'export', traces[0]!, '--to', format, '-o', join(folder, file)])
  const context = await newContext({ viewport: { width: 1280, height: 720 } })
  const page = await context.newPage()
  const errors = watch(page)

  await page.goto(`${origin}/index.html#profileURL=${origin}/exported/${file}`)
  await page.getByText('Sandwich').click()

  await page.getByText('logistic_regression', { exact: false }).first().waitFor()
  expect(await page.title()).toContain('speedscope')
  expect(errors).toEqual([])
  await context.close()
})
