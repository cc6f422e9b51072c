// The page itself: links, keys, the palette, moving views about, reading aids, and how smooth it is.
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { viewNames } from '../src/model/layout'
import { address, idOf, newContext, open, traces, turn, useBrowser } from './page'
import { openChart } from './serve'

useBrowser()

test.each(traces)('a link restores the view: %s', async path => {
  const { page } = await open(`trace=${await idOf(path)}&time=1000000..40000000&views=c50-gantt.log*1-critical.tree&tree.as=icicle&theme=dark`)
  await page.waitForSelector('.halves, .empty')

  expect(await page.getAttribute('html', 'data-theme')).toBe('dark')
  expect(await page.textContent('.window')).toContain('39.0 ms')
  expect(await page.locator('[role=tab][aria-selected=true]').allTextContents()).toEqual(['Log', 'Critical path'])
  await page.locator('[role=tab]', { hasText: 'Tree' }).click()
  await page.waitForSelector('.icicle')
  await page.keyboard.press('w')
  await page.waitForFunction(() => !location.hash.includes('time=1000000..40000000'))
  await page.keyboard.press('f')
  await page.waitForFunction(() => !location.hash.includes('time='))
  await page.close()
})

test('number keys, the search and the palette lead to views, sites and commands', async () => {
  const { page, errors } = await open(`trace=${await idOf(traces[1])}`)
  await page.waitForSelector('tbody tr')

  await page.keyboard.press('4')
  await page.waitForSelector('[data-view=tree]')
  await page.keyboard.press('/')
  await page.keyboard.type('inv')
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => location.hash.includes('selected=sites'))
  await page.keyboard.press('Control+k')
  await page.keyboard.type('show sql')
  await page.keyboard.press('Enter')
  await page.waitForSelector('[data-view=sql]')
  await page.keyboard.press('?')
  await page.waitForSelector('[aria-label=keys] dl')
  await page.keyboard.press('Escape')
  await page.keyboard.press('Escape')
  await page.waitForFunction(() => !location.hash.includes('selected='))

  expect(errors).toEqual([])
  await page.close()
})

const shown = (page: Page) => page.locator('.panel').evaluateAll(panels => panels.map(p => (p as HTMLElement).dataset.view))

test('views can be moved, split off, closed, brought back and made larger', async () => {
  const { page, errors } = await open(`trace=${await idOf(traces[0])}&views=r50-gantt-sites.tree`)
  await page.waitForSelector('tbody tr')

  const gantt = (await page.locator('[data-view=gantt]').boundingBox())!
  await page.locator('[role=tab]', { hasText: 'Tree' }).dragTo(page.locator('[data-view=gantt]'), { targetPosition: { x: gantt.width / 2, y: gantt.height - 20 } })
  await page.waitForFunction(() => location.hash.includes('views=r50-c50-gantt-tree-sites'))
  await page.locator('[aria-label="close Sites"]').click()
  expect(await shown(page)).toEqual(['gantt', 'tree'])
  await page.locator('[data-view=tree] [aria-label="add a view here"]').click()
  await page.locator('[role=menuitem]', { hasText: 'Roofline' }).click()
  expect(await shown(page)).toEqual(['gantt', 'roofline'])
  const before = (await page.locator('[data-view=gantt]').boundingBox())!.height
  await page.locator('[role=separator]').first().focus()
  await page.keyboard.press('ArrowDown')
  expect((await page.locator('[data-view=gantt]').boundingBox())!.height).toBeGreaterThan(before)

  expect(errors).toEqual([])
  await page.close()
})

const axe = readFileSync(new URL('../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8')

test.each(['light', 'dark'])('axe finds nothing to complain about in any view, %s', async theme => {
  const id = await idOf(traces[1])
  const other = await idOf(traces[0])
  const { page } = await open(`trace=${id}&views=details`)
  await page.evaluate(axe)
  for (const view of viewNames) {
    await turn(page, `trace=${id}&with=${other}&views=${view}&theme=${theme}&selected=sites:1`)
    await page.waitForSelector(`[data-view=${view}] .body`)
    await page.waitForTimeout(400)
    const found = await page.evaluate(async () => {
      const { violations } = await (window as unknown as { axe: { run(options: object): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }> } }).axe
        .run({ resultTypes: ['violations'] })
      return violations.map(v => `${v.id}: ${v.nodes[0].html.slice(0, 200)} ${v.nodes[0].failureSummary}`)
    })
    expect(found, view).toEqual([])
  }
  await page.close()
}, 240_000)

test.each([[1280, 720], [3840, 2160]])('at %i × %i nothing is wider than the page, and every view has room', async (width, height) => {
  const { page } = await open(`trace=${await idOf(traces[1])}`, undefined, { width, height })
  await page.waitForSelector('tbody tr')

  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0)
  for (const panel of await page.locator('.panel .body').all()) {
    const box = (await panel.boundingBox())!
    expect(Math.min(box.width, box.height)).toBeGreaterThan(120)
  }
  await page.close()
})

test('two tabs of one trace do not disturb each other', async () => {
  const id = await idOf(traces[0])
  const [first, second] = [await open(`trace=${id}`), await open(`trace=${id}&views=gantt`)]
  await first.page.waitForSelector('tbody tr')
  await first.page.locator('tbody tr').first().click()
  await first.page.waitForFunction(() => location.hash.includes('selected='))
  await second.page.waitForTimeout(400)

  expect(await second.page.evaluate(() => location.hash)).not.toContain('selected=')
  expect([...first.errors, ...second.errors]).toEqual([])
  await first.page.close()
  await second.page.close()
})

// Twice the same question would be half of the wait.
test.each(traces)('the first picture is drawn from what is asked once: %s', async path => {
  const page = await (await newContext()).newPage()
  const asked: string[] = []
  page.on('request', request => asked.push(new URL(request.url()).pathname.split('/').slice(4).join('/')))
  await openChart(page, address(), await idOf(path))

  expect(asked.filter(what => what === 'rows')).toEqual(['rows'])
  await page.context().close()
})

test('sites are put together by what they share, and a group selects its sites', async () => {
  const { page, errors } = await open(`trace=${await idOf(traces[0])}&views=sites`)
  const rows = page.locator('[data-view=sites] tbody tr')
  await rows.first().waitFor()
  const alone = await rows.count()
  await page.locator('[data-view=sites] select').selectOption('name')
  await expect.poll(() => rows.count()).toBeLessThan(alone)
  const products = rows.filter({ hasText: /^dot/ })
  expect(await products.count()).toBe(1)
  await products.click()
  await page.waitForFunction(() => /selected=sites:[\d.,]+/.test(decodeURIComponent(location.hash)))
  await page.locator('[data-view=sites] select').selectOption('site')
  await expect.poll(() => page.locator('[data-view=sites] tbody tr.lit').count()).toBeGreaterThan(1)

  expect(errors).toEqual([])
  await page.close()
})

test('the tour shows each of its steps on a sample run, and leaves the page as it was', async () => {
  // As the page itself would write it: any other link it puts in order soon, be that before the tour or after it.
  const { page, errors } = await open(`trace=${await idOf(traces[0])}&time=1000000..40000000&views=gantt`)
  await page.waitForSelector('.lane')
  const before = await page.evaluate(() => location.hash)

  await page.locator('header button', { hasText: 'tour' }).click()
  const titles = new Set<string>()
  for (let isLast = false; !isLast; ) {
    titles.add((await page.textContent('.tour h2'))!)
    await page.waitForSelector('.lane, .roofline')
    const next = page.locator('.tour .next')
    isLast = (await next.textContent()) === 'done'
    await next.click()
  }
  expect(titles.size).toBeGreaterThan(6)
  await page.waitForSelector('.lane', { timeout: 10_000 })
  expect(await page.evaluate(() => location.hash)).toBe(before)
  expect(await page.textContent('.window')).toContain('39.0 ms')
  expect(errors).toEqual([])
  await page.close()
})
