// Bad inputs: a sentence that says what to do; never a blank page, never an error in the console.
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { viewNames } from '../src/model/layout'
import { address, idOf, newContext, open, traces, turn, useBrowser, watch } from './page'
import { serve } from './serve'

useBrowser()

// What the browser itself says of an answer of 401 or 404 is no error of the page.
const ofPage = (errors: readonly string[]) => errors.filter(e => !e.startsWith('Failed to load resource'))

test('a wrong token is a sentence, and no blank page', async () => {
  const { page, errors } = await open('', address().replace(/token=.*/, 'token=wrong'))

  await page.locator('.trouble', { hasText: 'token is missing or wrong' }).waitFor()
  expect(await page.textContent('.trouble')).toContain('jetlag serve printed')
  expect(ofPage(errors)).toEqual([])
  await page.close()
})

test('a trace that is not there is a sentence', async () => {
  const { page, errors } = await open('trace=0123456789abcdef')

  await page.locator('.trouble', { hasText: 'no such trace' }).waitFor()
  expect(ofPage(errors)).toEqual([])
  await page.close()
})

test('a trace that is removed while it is open leaves a sentence and what was read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'jetlag-'))
  const path = join(folder, 'run <b>1 🦆.jlt')
  copyFileSync(traces[0], path)
  const other = await serve(path)
  try {
    const { page, errors } = await open('', other.address)
    await page.waitForSelector('tbody tr')
    expect(await page.locator('header select option').allTextContents()).toEqual(['run <b>1 🦆.jlt'])
    rmSync(path)
    await page.locator('.trouble', { hasText: 'its file was removed' }).waitFor()
    await page.getByText('go on with what was read').click()
    expect(await page.locator('tbody tr').count()).toBeGreaterThan(0)
    expect(ofPage(errors)).toEqual([])
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

test('a server that is gone is a sentence', async () => {
  const other = await serve(traces[0])
  const { page, errors } = await open('', other.address)
  await page.waitForSelector('tbody tr')
  other.stop()
  await page.locator('.trouble', { hasText: 'the server does not answer' }).waitFor()
  expect(await page.textContent('.trouble')).toContain('jetlag serve')
  expect(ofPage(errors)).toEqual([])
  await page.close()
})

test('a tab that is older than its server says to load it again', async () => {
  const context = await newContext()
  const page = await context.newPage()
  const errors = watch(page)
  let version = '1.0'
  await page.route('**/v1', route => route.fulfill({ json: { name: 'jetlag', version, api: 'v1', jobs: false } }))
  await page.goto(`${address()}#trace=${await idOf(traces[0])}`)
  await page.waitForSelector('tbody tr')
  version = '2.0'
  await page.route('**/busy*', route => route.fulfill({ status: 404, json: { detail: 'there is nothing at "busy"' } }))
  await page.locator('tbody tr').first().click()

  await page.locator('.trouble', { hasText: 'this page is of jetlag 1.0, and its server is 2.0 by now' }).waitFor()
  expect(await page.textContent('.trouble')).toContain('load the page again')
  expect(ofPage(errors)).toEqual([])
  await context.close()
})

test('SQL that is wrong is a sentence beside what was asked', async () => {
  const { page, errors } = await open(`trace=${await idOf(traces[0])}&views=sql&sql.text=SELECT+x+FROM+nowhere`)
  await page.locator('[data-view=sql] button[type=submit]').click()

  await page.locator('.refused', { hasText: 'nowhere' }).waitFor()
  expect(ofPage(errors)).toEqual([])
  await page.close()
})

// What stands in the way of the page on odd runs: each of its views is opened.
async function showsAll(name: string): Promise<string> {
  const other = await serve(join(dirname(traces[0]), name))
  try {
    const { page, errors } = await open('', other.address)
    await page.waitForSelector('.gantt canvas', { timeout: 60_000 })
    for (const view of viewNames) {
      await turn(page, `views=${view}`)
      await page.waitForSelector(`[data-view=${view}] .body > *`, { timeout: 60_000 })
    }
    await turn(page, 'views=c50-gantt-sites')
    await page.waitForSelector('[data-view=sites]')
    await page.keyboard.press('w')
    await page.keyboard.press('d')
    await page.waitForTimeout(500)
    expect(errors).toEqual([])
    const text = await page.locator('main').innerText()
    await page.close()
    return text
  } finally {
    other.stop()
  }
}

test('an empty trace says so', async () => {
  expect(await showsAll('empty.jlt')).toContain('This trace holds no spans')
})

test('100 000 sites with names that look like markup are shown as they are', async () => {
  const text = await showsAll('sites.jlt')
  expect(text).toContain("</b> 🦆 &amp;")
  expect(text).toContain('100 000 sites; the first 300 are shown')
}, 180_000)

test('10 000 tracks can be scrolled', async () => {
  expect(await showsAll('tracks.jlt')).toContain('thread')
}, 180_000)
