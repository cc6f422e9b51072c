// What ranks sent each other: an OTF2 archive of a ring of eight, each round with its neighbours, at last to the first.
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { open, traces, turn, useBrowser } from './page'
import { serve } from './serve'

useBrowser()

test('the matrix of messages is that of the archive, in view and in the marked time', async () => {
  const served = await serve(join(dirname(traces[0]), 'ring'))
  const { page, errors } = await open('views=r50-gantt-messages', served.address)
  await page.waitForSelector('.matrix tbody td[style]')
  const cell = (from: number, to: number) => page.locator('.matrix tbody tr').nth(from).locator('td').nth(to)

  expect(await page.locator('.matrix tbody tr').count()).toBe(8)
  expect(await cell(3, 4).getAttribute('title')).toBe('3 → 4: 25 sent, 25 received, 1.64 MB')
  expect(await cell(5, 0).getAttribute('title')).toBe('5 → 0: 1 sent, 1 received, 1.05 MB')
  expect(await cell(1, 0).getAttribute('title')).toBe('1 → 0: 26 sent, 26 received, 2.69 MB')
  expect(await cell(3, 6).getAttribute('title')).toBe('3 → 6: nothing')
  await page.selectOption('[data-view=messages] select', 'messages')
  expect(await cell(3, 4).textContent()).toBe('25')
  await turn(page, 'views=r50-gantt-messages&messages.by=messages&mark=0..5000000')
  await expect.poll(() => cell(3, 4).textContent()).toBe('5')

  expect(errors).toEqual([])
  await page.close()
  served.stop()
})
