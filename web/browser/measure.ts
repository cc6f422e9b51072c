// How fast the page draws a trace: vite-node browser/measure.ts TRACE. Prints a line of JSON, in milliseconds: from
// opening the page, with nothing cached, to the first picture of the chart (the median of several, and the longest);
// and the frames of five seconds in which keys move the chart, at 1920 × 1080.
import type { Page } from 'playwright-core'
import { openBrowser, openChart, serve, traceAt } from './serve'

const pictures = 9
const [trace] = process.argv.slice(2)
const round = (ms: number) => Math.round(ms * 10) / 10

async function pan(page: Page): Promise<number[]> {
  return page.evaluate(async () => {
    const times: number[] = []
    let last = performance.now()
    const end = last + 5000
    for (let i = 0; performance.now() < end; i++) {
      document.body.dispatchEvent(new KeyboardEvent('keydown', { key: i % 20 < 10 ? 'd' : 'a', bubbles: true }))
      await new Promise(requestAnimationFrame)
      times.push(performance.now() - last)
      last = performance.now()
    }
    return times
  })
}

const served = await serve(trace)
const browser = await openBrowser()
const id = await traceAt(served.address, trace)
const viewport = { width: 1920, height: 1080 }

const firsts: number[] = []
for (let i = 0; i < pictures; i++) {
  const context = await browser.newContext({ viewport })
  const page = await context.newPage()
  const start = performance.now()
  await openChart(page, served.address, id)
  firsts.push(performance.now() - start)
  await context.close()
}

// Of the usual views, at three zooms: what is drawn, and asked for, differs.
const pans: Record<string, object> = {}
const page = await browser.newPage({ viewport })
await page.goto(`${served.address}#trace=${id}`)
await page.waitForSelector('tbody tr')
for (const zooms of [2, 12, 30]) {
  await page.keyboard.press('f')
  for (let i = 0; i < zooms; i++) await page.keyboard.press('w')
  await page.waitForTimeout(500)
  const frames = (await pan(page)).sort((a, b) => a - b)
  pans[(await page.textContent('.window'))!.replace(' in view', '')] = {
    frames: frames.length,
    median: round(frames[frames.length >> 1]),
    'most of 95 %': round(frames[Math.floor(frames.length * 0.95)]),
    longest: round(frames.at(-1)!),
  }
}

const first = firsts[0] // the server has not read the trace before
firsts.sort((a, b) => a - b)
console.log(JSON.stringify({
  'first picture': { first: round(first), median: round(firsts[pictures >> 1]), longest: round(firsts.at(-1)!) },
  'frames of five seconds': pans,
}))
await browser.close()
served.stop()
