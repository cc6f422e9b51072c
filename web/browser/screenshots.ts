// Pictures of the views, from real runs: screenshots.ts OUTPUT TRACE… Look at each of them.
import { mkdirSync } from 'node:fs'
import { openBrowser, serve } from './serve'

const [output, ...traces] = process.argv.slice(2)
mkdirSync(output, { recursive: true })

interface Shot {
  readonly name: string
  readonly trace: number | string // which of the arguments, or its name
  readonly view: string
  readonly site?: string // its row in the table is clicked
  readonly span?: number // something is clicked on a worker's track, at this share of the width
  readonly press?: string
  readonly keys?: readonly string[]
  readonly size?: { readonly width: number; readonly height: number }
}

const small = { width: 1280, height: 520 }
const both = (top: string, below: string) => `views=c50-${top}-${below}`
const shots: readonly Shot[] = [
  { name: 'regression', trace: 0, view: '', site: 'dot' },
  { name: 'sites', trace: 1, view: 'views=r55-sites-tree' },
  { name: 'dark', trace: 1, view: 'views=r61-c53-gantt-sites.details-physl.source&theme=dark', site: 'dot' },
  { name: 'critical', trace: 0, view: 'views=r61-c53-gantt-critical-tree' },
  { name: 'counters', trace: 0, view: both('gantt', 'counters') },
  { name: 'stacked', trace: 0, view: 'views=counters&counters.as=stacked' },
  { name: 'histogram', trace: 1, view: `${both('gantt', 'histogram')}&selected=spans:1000.100000...:*` },
  { name: 'details', trace: 0, view: 'views=r70-gantt-details', span: 0.7 },
  { name: 'roofline', trace: 0, view: 'views=roofline', site: 'dot' },
  { name: 'compare', trace: 0, view: 'views=compare&with=OTHER' },
  { name: 'icicle', trace: 1, view: 'views=tree&tree.as=icicle&tree.colour=own' },
  { name: 'diagram', trace: 1, view: 'views=tree&tree.as=diagram' },
  { name: 'plan', trace: 1, view: 'views=plan' },
  { name: 'instances', trace: 0, view: both('gantt', 'instances'), site: 'dot(x, w)' },
  { name: 'graph', trace: 0, view: 'views=r50-gantt-graph', span: 0.7 },
  { name: 'slack', trace: 0, view: both('gantt', 'log') + '&gantt.colour=slack' },
  { name: 'messages', trace: 'ring', view: 'views=r50-gantt-messages' },
  { name: 'sql', trace: 1, view: 'views=sql', press: '[data-view=sql] button[type=submit]' },
  { name: 'palette', trace: 1, view: '', keys: ['Control+k'] },
  { name: 'large', trace: 1, view: '', size: { width: 1920, height: 1080 } },
  // The stories of docs/stories.md
  { name: 'imbalance-before', trace: 'imbalance-before.jlt', view: 'views=c60-gantt-histogram', size: small },
  { name: 'imbalance-after', trace: 'imbalance-after.jlt', view: 'views=c60-gantt-histogram', size: small },
  { name: 'memory-before', trace: 'memory-before.jlt', view: 'views=r50-gantt-roofline', size: small },
  { name: 'memory-after', trace: 'memory-after.jlt', view: 'views=r50-compare-roofline&with=memory-before', size: small },
  { name: 'grain-before', trace: 'grain-before.jlt', view: 'views=c50-gantt-histogram&time=20000000..20060000', size: small },
  { name: 'grain-after', trace: 'grain-after.jlt', view: 'views=c50-gantt-sites', size: small },
]

const served = await serve(...traces)
const browser = await openBrowser()
let errors = 0
try {
  const token = new URL(served.address).search
  const base = served.address.replace(token, '')
  const list = (await (await fetch(`${base}v1/traces${token}`)).json()) as { id: string; name: string }[]
  for (const shot of shots) {
    const idOf = (name: string) => list.find(t => t.name === name)!.id
    const trace = idOf(typeof shot.trace === 'string' ? shot.trace : traces[shot.trace].split('/').pop()!)
    const page = await browser.newPage({ viewport: shot.size ?? { width: 1280, height: 720 } })
    page.on('console', message => {
      if (message.type() === 'error') {
        errors++
        console.error(`${shot.name}: ${message.text()}`)
      }
    })
    page.on('pageerror', error => {
      errors++
      console.error(`${shot.name}: ${error.message}`)
    })
    await page.goto(`${served.address}#trace=${trace}&${shot.view.replace('OTHER', idOf('recommender.jlt')).replace('memory-before', idOf('memory-before.jlt'))}`)
    await page.waitForSelector('.panel .body > *')
    if (shot.site) {
      await page.fill('.search input', shot.site)
      await page.press('.search input', 'Enter')
    }
    if (shot.span) {
      await page.waitForTimeout(600)
      const lane = (await page.locator('.lane', { hasText: 'worker' }).first().boundingBox())!
      const chart = (await page.locator('.gantt canvas').boundingBox())!
      for (let at = shot.span; at < 1 && !page.url().includes('selected='); at += 0.01) {
        await page.mouse.click(chart.x + chart.width * at, lane.y + lane.height / 2)
        await page.waitForTimeout(200)
      }
    }
    await page.mouse.move(640, 20)
    if (shot.press) await page.locator(shot.press).click()
    for (const key of shot.keys ?? []) await page.keyboard.press(key)
    await page.waitForTimeout(1200)
    await page.screenshot({ path: `${output}/${shot.name}.png` })
    await page.close()
  }
} finally {
  await browser.close()
  served.stop()
}
process.exit(errors ? 1 : 0)
