// One selection, in Chromium, on real runs: each view once as source and once as follower, and twelve named pairs.
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { idOf, open, type Opened, traces, turn, useBrowser } from './page'

useBrowser()

// Selects something of a site that has a line in the source, where there is one.
const sources: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  sites: page => page.locator('[data-view=sites] tbody tr', { hasText: 'dot' }).first().click(),
  async source(page) {
    // The file that the function is in, whatever took longest in this run.
    const files = page.locator('[data-view=source] select')
    const names = await files.locator('option').allTextContents()
    await files.selectOption({ label: names.find(name => /als|logistic/.test(name))! })
    await page.locator('[data-view=source] .line.known:has(.heat:not(:empty))').last().click()
  },
  physl: page => page.locator('[data-view=physl] [data-node]:has(.heat:not(:empty))', { hasText: 'dot(' }).first().click(),
  tree: page => page.locator('[data-view=tree] [data-tree]', { hasText: 'while' }).first().click(),
  plan: page => page.locator('[data-view=plan] tbody tr', { hasText: 'while' }).first().click(),
  critical: page => page.locator('[data-view=critical] tbody tr').first().click(),
  roofline: page => page.locator('[data-view=roofline] circle').last().click(), // no other lies over it
  log: page => page.locator('[data-view=log] tbody tr').first().click(),
  async instances(page) { // the widest: short ones may lie below the next
    const bars = page.locator('[data-view=instances] .instance')
    const widths = await bars.evaluateAll(all => all.map(bar => bar.getBoundingClientRect().width))
    await bars.nth(widths.indexOf(Math.max(...widths))).click()
  },
  graph: page => page.locator('[data-view=graph] .task').first().click(),
  compare: page => page.locator('[data-view=compare] tbody tr[data-site]', { hasText: '.py:' }).first().click(),
  async sql(page) {
    await page.locator('[data-view=sql] button[type=submit]').click()
    await page.locator('[data-view=sql] tbody tr').first().click()
  },
  async histogram(page) {
    const box = (await page.locator('.histogram').boundingBox())!
    await page.mouse.move(box.x + 4, box.y + box.height / 2)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width - 4, box.y + box.height / 2, { steps: 4 })
    await page.mouse.up()
  },
  async gantt(page) {
    await page.waitForTimeout(300)
    const box = (await page.locator('.gantt canvas').boundingBox())!
    await page.mouse.click(box.x + box.width * 0.7, box.y + 36)
  },
  lane: page => page.locator('.lane', { hasText: 'worker' }).first().click(),
}

const lit = (view: string) => async (page: Page) => {
  await page.locator(`[data-view=${view}] .lit`).first().waitFor()
}
// What a canvas shows changes.
const followers: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  sites: lit('sites'),
  source: lit('source'),
  physl: lit('physl'),
  tree: lit('tree'),
  plan: lit('plan'),
  graph: page => page.locator('[data-view=graph] .chosen, [data-view=graph] .lit, [data-view=graph] .empty').first().waitFor(),
  compare: lit('compare'),
  details: page => page.locator('.details dt', { hasText: 'site' }).waitFor(),
  histogram: page => page.locator('[data-view=histogram]', { hasText: 'of the selection' }).waitFor(),
  instances: page => page.locator('[data-view=instances] b').first().waitFor(),
  async gantt(page) {
    await page.waitForFunction(() => (document.querySelector('.gantt canvas') as HTMLCanvasElement).toDataURL() !== (window as never)['before'])
  },
  async strip(page) {
    await page.waitForFunction(() => (document.querySelector('.strip canvas') as HTMLCanvasElement).toDataURL() !== (window as never)['strip'])
  },
}

const keepPictures = (page: Page) => page.evaluate(() => {
  const picture = (of: string) => (document.querySelector(`${of} canvas`) as HTMLCanvasElement | null)?.toDataURL()
  Object.assign(window, { before: picture('.gantt'), strip: picture('.strip') })
})

let opened: Opened | undefined

async function leads(path: string, from: string, to: string): Promise<void> {
  const other = await idOf(traces.find(t => t !== path)!)
  const view = (name: string) => (name === 'lane' ? 'gantt' : name === 'strip' ? 'details' : name)
  const [a, b] = [view(from), view(to)]
  opened ??= await open('views=details')
  const { page, errors } = opened
  await turn(page, 'views=details')
  await page.waitForFunction(() => !document.querySelector('.lit') && !location.hash.includes('selected='))
  await turn(page, `trace=${await idOf(path)}&with=${other}&views=${a === b ? a : `c50-${a}-${b}`}`)
  await page.waitForSelector(`[data-view=${a}]`)
  await page.waitForTimeout(200)
  await keepPictures(page)
  await sources[from](page)
  await page.waitForFunction(() => location.hash.includes('selected='))
  await followers[to](page)
  expect(errors).toEqual([])
}

describe.each(traces)('%s', path => {
  test.each(Object.keys(sources).filter(s => s !== 'sites'))('%s as source lights up the sites', from => leads(path, from, 'sites'))
  test.each(Object.keys(followers).filter(f => f !== 'sites'))('%s follows the sites', to => leads(path, 'sites', to))

  test.each([
    ['source', 'physl'], ['physl', 'source'], ['source', 'gantt'], ['gantt', 'source'], ['tree', 'strip'], ['gantt', 'details'],
    ['plan', 'tree'], ['tree', 'plan'], ['histogram', 'gantt'], ['graph', 'source'], ['lane', 'strip'], ['sql', 'details'],
  ])('%s → %s', (from, to) => leads(path, from, to))
})
