// Traces that are sent from the page and removed there.
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterEach, expect, test } from 'vitest'
import { open, traces, useBrowser } from './page'
import { serve, type Served } from './serve'

useBrowser()

let served: Served
afterEach(() => served.stop())

// What the browser itself says of a refusal is no error of the page.
const ofPage = (errors: readonly string[]) => errors.filter(e => !e.startsWith('Failed to load resource'))
const newFolder = () => mkdtempSync(join(tmpdir(), 'jetlag-'))
const pick = (page: Page, ...files: string[]) => page.locator('input[type=file]').first().setInputFiles(files)

test('a trace is sent, shown, and removed again', async () => {
  const folder = newFolder()
  served = await serve(folder)
  const { page, errors } = await open('', served.address)
  await page.getByText('No trace yet').waitFor()

  await pick(page, traces[0])
  await page.waitForSelector('tbody tr')
  expect(readdirSync(folder)).toEqual(['regression.jlt'])
  await page.locator('header [aria-label=traces]').click()
  await page.locator('.keep tr', { hasText: 'regression.jlt' }).locator('button', { hasText: 'remove…' }).click()
  await page.locator('.keep button', { hasText: 'remove its file' }).click()
  await page.locator('.keep', { hasText: 'There is none' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByText('No trace yet').waitFor()
  expect(readdirSync(folder)).toEqual([])

  expect(ofPage(errors)).toEqual([])
  await page.close()
})

test('one of several is removed, and the others stay', async () => {
  const folder = newFolder()
  for (const name of ['a <b>🦆.jlt', 'b.jlt']) copyFileSync(traces[1], join(folder, name))
  served = await serve(folder)
  const [own, other] = [await open('', served.address), await open('', served.address)]
  await own.page.waitForSelector('tbody tr')
  await other.page.waitForSelector('tbody tr')
  const shown = await own.page.locator('header select option:checked').textContent()

  await own.page.locator('header [aria-label=traces]').click()
  await own.page.locator(`.keep [aria-label="remove ${shown}"]`).click()
  await own.page.locator('.keep button', { hasText: 'remove its file' }).click()
  await own.page.waitForFunction(before => document.querySelector('header select option:checked')?.textContent !== before, shown)
  await own.page.keyboard.press('Escape')
  await own.page.waitForSelector('tbody tr')
  await other.page.locator('.trouble', { hasText: 'its file was removed' }).waitFor()

  expect(readdirSync(folder).filter(name => !name.endsWith('.index'))).toHaveLength(1)
  expect([...ofPage(own.errors), ...ofPage(other.errors)]).toEqual([])
  await own.page.close()
  await other.page.close()
})

// A line to the server that breaks a connection, until it is mended, when so many bytes have gone through: browsers
// themselves try a second one.
async function breakingLine(port: number, most: number): Promise<{ port: number; mend(): void; close(): void }> {
  let breaks = true
  const line = createServer(near => {
    const far = connect(port, '127.0.0.1')
    let passed = 0
    const end = () => [near, far].forEach(side => side.destroy())
    near.on('data', piece => {
      passed += piece.length
      if (passed > most && breaks) end()
    })
    near.pipe(far).pipe(near)
    for (const side of [near, far]) side.on('error', end).on('close', end)
  })
  await once(line.listen(0, '127.0.0.1'), 'listening')
  return { port: (line.address() as AddressInfo).port, mend: () => (breaks = false), close: () => line.close() }
}

test('sending that is cut in half is a sentence, and leaves nothing', async () => {
  const folder = newFolder()
  served = await serve(folder)
  const direct = new URL(served.address)
  const line = await breakingLine(Number(direct.port), 8 << 20)
  const { page, errors } = await open('', served.address.replace(`:${direct.port}`, `:${line.port}`))
  await page.getByText('No trace yet').waitFor()

  await pick(page, join(dirname(traces[0]), 'sites.jlt'))
  await page.locator('.refused', { hasText: 'sending sites.jlt broke off, and nothing of it was kept' }).waitFor()
  await expect.poll(() => readdirSync(folder)).toEqual([])
  line.mend()
  await pick(page, join(dirname(traces[0]), 'sites.jlt'))
  await page.waitForSelector('tbody tr')

  expect(ofPage(errors)).toEqual([])
  await page.close()
  line.close()
})

test('what is no trace, has the name of one that is there, or finds no folder is refused in a sentence', async () => {
  const folder = newFolder()
  writeFileSync(join(folder, 'no.jlt'), 'x'.repeat(1000))
  const target = newFolder()
  served = await serve(target)
  const { page, errors } = await open('', served.address)
  await page.getByText('No trace yet').waitFor()

  await pick(page, join(folder, 'no.jlt'))
  await page.locator('.refused', { hasText: 'what came is no trace of jetlag' }).waitFor()
  await pick(page, traces[0])
  await page.waitForSelector('tbody tr')
  await page.locator('header [aria-label=traces]').click()
  await pick(page, traces[0])
  await page.locator('.refused', { hasText: 'there is a trace "regression.jlt" already' }).waitFor()
  expect(await page.textContent('.refused')).toContain('give it another name')
  served.stop()
  served = await serve(traces[0])
  await page.goto(served.address)
  await page.waitForSelector('tbody tr')
  await page.locator('header [aria-label=traces]').click()
  await pick(page, traces[1])
  await page.locator('.refused', { hasText: 'this server serves files that were named, and no folder' }).waitFor()

  expect(ofPage(errors)).toEqual([])
  await page.close()
})
