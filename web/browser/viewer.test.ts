// The viewer in a real browser, on real runs: TRACES names their files.
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBrowser, type Served, serve } from './serve'

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
    await page.locator('tbody tr', { hasText: '.py:' }).nth(1).click()
    await lit(page, 'tbody').first().waitFor()
    const site = await lit(page, 'tbody').first().getAttribute('data-site')
    await page.locator('.text .line.lit').first().waitFor()
    const line = await page.locator('.text .line.lit').first().getAttribute('data-line')
    await page.keyboard.press('2')
    await page.locator('[data-node].lit').first().waitFor()
    await page.keyboard.press('3')
    await page.locator('[data-tree].lit').first().waitFor()
    expect(await page.evaluate(() => location.hash)).toContain('selected=sites')

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
