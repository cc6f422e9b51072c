// The viewer in a real browser, on real runs: TRACES names their files.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { embeddedSource } from '../src/api/embedded'
import { decodeRows } from '../src/api/rows'
import type { Rows } from '../src/api/types'
import { openBrowser, type Served, serve, tool } from './serve'

const traces = (process.env.TRACES ?? '').split(':').filter(Boolean)
let served: Served
let browser: Browser

beforeAll(async () => {
  served = await serve(...traces)
  browser = await openBrowser()
})
afterAll(async () => {
  await browser?.close()
  served?.stop()
})

// A page that has seen no error; `ids` are the traces by their file's name.
async function open(hash = '', address = served.address): Promise<{ page: Page; errors: string[] }> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 } })
  const errors: string[] = []
  page.on('console', message => message.type() === 'error' && errors.push(message.text()))
  page.on('pageerror', error => errors.push(error.message))
  await page.goto(`${address}#${hash}`)
  return { page, errors }
}

async function idOf(path: string): Promise<string> {
  const { origin, search } = new URL(served.address)
  const list = (await (await fetch(`${origin}/v1/traces${search}`)).json()) as { id: string; name: string }[]
  return list.find(t => t.name === path.split('/').pop())!.id
}

const lit = (page: Page, view: string) => page.locator(`${view} .lit`)

describe.each(traces)('%s', path => {
  test('each view as source lights up the others', async () => {
    const { page, errors } = await open(`trace=${await idOf(path)}`)
    await page.waitForSelector('tbody tr')

    // Sites → source, PhySL, tree.
    await page.locator('tbody tr:has(code)', { hasText: '.py:' }).first().click()
    await lit(page, 'tbody').first().waitFor()
    const site = await lit(page, 'tbody').first().getAttribute('data-site')
    await page.locator('.text .line.lit').first().waitFor()
    const line = await page.locator('.text .line.lit').first().getAttribute('data-line')
    await page.keyboard.press('2')
    await page.locator('[data-node].lit').first().waitFor()
    await page.keyboard.press('3')
    await page.locator('[data-tree].lit').first().waitFor()
    await page.waitForFunction(() => location.hash.includes('selected=sites'))

    // Tree → sites, source.
    await page.locator('[data-tree].lit').first().click()
    await page.waitForFunction(() => location.hash.includes('selected=tree'))
    expect(await lit(page, 'tbody').first().getAttribute('data-site')).toBe(site)
    await page.keyboard.press('1')
    await page.locator('.text .line.lit').first().waitFor()
    expect(await page.locator('.text .line.lit').first().getAttribute('data-line')).toBe(line)

    // Source → sites, PhySL; PhySL → source.
    await page.locator(`.text .line[data-line="${line}"]`).click()
    await page.waitForFunction(() => location.hash.includes('selected=line'))
    await lit(page, 'tbody').first().waitFor()
    await page.keyboard.press('2')
    await page.locator('[data-node].lit').first().click()
    await page.waitForFunction(() => location.hash.includes('selected=node'))
    await page.keyboard.press('1')
    await page.locator(`.text .line.lit[data-line="${line}"]`).waitFor()

    // Gantt → details.
    await page.keyboard.press('Escape')
    await page.keyboard.press('5')
    const box = (await page.locator('.gantt canvas').boundingBox())!
    for (let share = 0.05; share < 1 && !(await page.evaluate(() => location.hash.includes('selected=span'))); share += 0.05) {
      await page.mouse.click(box.x + box.width * share, box.y + 36)
      await page.waitForTimeout(250)
    }
    await page.locator('.details dt', { hasText: 'took' }).waitFor()
    expect(errors).toEqual([])
    await page.close()
  })

  test('a link restores the view', async () => {
    const { page } = await open(`trace=${await idOf(path)}&time=1000000..90000000&side=tree&below=critical&theme=dark`)
    await page.waitForSelector('.halves, .empty')

    expect(await page.getAttribute('html', 'data-theme')).toBe('dark')
    expect(await page.textContent('.window')).toContain('89.0 ms')
    expect(await page.locator('[role=tab][aria-selected=true]').allTextContents()).toEqual(['Tree', 'Critical path'])
    await page.keyboard.press('w')
    await page.waitForFunction(() => !location.hash.includes('time=1000000..90000000'))
    await page.keyboard.press('f')
    await page.waitForFunction(() => !location.hash.includes('time='))
    await page.close()
  })
})

function exported(path: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'jetlag-')), 'run.html')
  execFileSync(tool, ['view', path, '-o', file])
  return file
}

// The sums of a row are whole numbers, which single precision may round.
const plain = (rows: readonly Rows[]) => rows.map(r => ({
  begin: Array.from(r.begin), end: Array.from(r.end), count: Array.from(r.count), site: Array.from(r.site),
  span: Array.from(r.span), busy: Array.from(r.busy, Math.fround), lit: Array.from(r.lit, Math.fround),
}))

describe.each(traces)('%s as a file', path => {
  test('shows the trace without a server and without a network', async () => {
    const file = exported(path)
    expect(statSync(file).size).toBeLessThan(3_000_000)
    const context = await browser.newContext({ offline: true, viewport: { width: 1280, height: 720 } })
    const page = await context.newPage()
    const errors: string[] = []
    page.on('console', message => message.type() === 'error' && errors.push(message.text()))
    page.on('pageerror', error => errors.push(error.message))
    await page.goto(`file://${file}`)
    await page.locator('tbody tr:has(code)', { hasText: '.py:' }).first().click()
    await page.locator('.text .line.lit').first().waitFor()
    for (const key of ['2', '3', '5', '6', '7', '8']) await page.keyboard.press(key)
    await page.locator('.column').first().waitFor()
    expect(errors).toEqual([])
    await context.close()
  })

  test('answers as the server does', async () => {
    const packed = /id="jetlag-trace">([^<]*)</.exec(readFileSync(exported(path), 'utf8'))![1]
    const data = JSON.parse(inflateSync(Buffer.from(packed, 'base64')).toString())
    const source = embeddedSource(data)
    const { origin, search } = new URL(served.address)
    const id = await idOf(path)
    const { length } = data.summary
    const busiest = data.sites.self.indexOf(Math.max(...data.sites.self))
    for (const [begin, end, bins] of [[0, length, 512], [-5, length * 2, 8], [0, 2 ** 24, 4096]]) {
      const query = `begin=${begin}&end=${end}&bins=${bins}&sites=${busiest}&${search.slice(1)}`
      const ask = (what: string) => fetch(`${origin}/v1/traces/${id}/${what}?${query}`)
      const rows = decodeRows(await (await ask('rows')).arrayBuffer(), data.summary.tracks.length)
      expect(plain(await source.rows(id, { begin, end, bins }, { sites: [busiest] }))).toEqual(plain(rows))
      const busy = await source.busy(id, { begin, end, bins }, { sites: [busiest] })
      const told = (await (await ask('busy')).json()) as { all: number[]; lit: number[] }
      busy.all.forEach((share, i) => expect(share).toBeCloseTo(told.all[i], 3))
      busy.lit.forEach((share, i) => expect(share).toBeCloseTo(told.lit[i], 3))
      const histogram = await source.histogram(id, begin, end, { sites: [busiest] })
      expect(histogram.counts).toEqual(((await (await ask('histogram')).json()) as { counts: number[] }).counts)
    }
  })
})

test('two runs stand side by side', async () => {
  const [first, second] = await Promise.all(traces.map(idOf))
  const { page, errors } = await open(`trace=${first}&below=compare&with=${second}`)
  await page.locator('td.slower, td.faster').first().waitFor()
  await page.locator('tbody tr', { hasText: 'logistic_regression.py' }).first().click()
  await page.locator('.text .line.lit').first().waitFor()

  expect(errors).toEqual([])
  await page.close()
})

test('a wrong token is a sentence, and no blank page', async () => {
  const { page } = await open('', served.address.replace(/token=.*/, 'token=wrong'))

  await page.locator('.trouble', { hasText: 'token is missing or wrong' }).waitFor()
  expect(await page.textContent('.trouble')).toContain('jetlag serve printed')
  await page.close()
})

test('a trace that is not there is a sentence', async () => {
  const { page } = await open('trace=0123456789abcdef')

  await page.locator('.trouble', { hasText: 'no such trace' }).waitFor()
  await page.close()
})

test('a trace that is removed while it is open leaves a sentence and what was read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'jetlag-'))
  const path = join(folder, 'run <b>1 🦆.jlt')
  copyFileSync(traces[0], path)
  const other = await serve(path)
  try {
    const { page } = await open('', other.address)
    await page.waitForSelector('tbody tr')
    expect(await page.locator('header select option').allTextContents()).toEqual(['run <b>1 🦆.jlt'])
    rmSync(path)
    await page.locator('.trouble', { hasText: 'its file was removed' }).waitFor()
    await page.getByText('go on with what was read').click()
    expect(await page.locator('tbody tr').count()).toBeGreaterThan(0)
    await page.close()
  } finally {
    other.stop()
  }
})

test('without any trace the page says how to make one', async () => {
  const empty = await serve('/nonexistent')
  try {
    const { page, errors } = await open('', empty.address)
    await page.getByText('No trace yet').waitFor()
    expect(errors).toEqual([])
    await page.close()
  } finally {
    empty.stop()
  }
})

// How smooth a pan over five seconds is: frame times in milliseconds.
test('panning draws frames in time', async () => {
  const { page } = await open(`trace=${await idOf(traces[0])}`)
  await page.waitForSelector('tbody tr')
  await page.keyboard.press('w')

  const frames = await page.evaluate(async () => {
    const times: number[] = []
    let last = performance.now()
    const end = last + 2000
    for (let i = 0; performance.now() < end; i++) {
      document.body.dispatchEvent(new KeyboardEvent('keydown', { key: i % 20 < 10 ? 'd' : 'a', bubbles: true }))
      await new Promise(requestAnimationFrame)
      times.push(performance.now() - last)
      last = performance.now()
    }
    return times.sort((a, b) => a - b)
  })

  console.log(`frames: ${frames.length}, median ${frames[frames.length >> 1].toFixed(1)} ms, 95 % ${frames[Math.floor(frames.length * 0.95)].toFixed(1)} ms, longest ${frames.at(-1)!.toFixed(1)} ms`)
  expect(frames.length).toBeGreaterThan(10)
  await page.close()
})
