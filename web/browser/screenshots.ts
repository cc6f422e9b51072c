// Pictures of the views, from real runs: screenshots.ts OUTPUT TRACE… Look at each of them.
import { mkdirSync } from 'node:fs'
import { openBrowser, serve } from './serve'

const [output, ...traces] = process.argv.slice(2)
mkdirSync(output, { recursive: true })

interface Shot {
  readonly name: string
  readonly trace: number
  readonly view: string
  readonly site?: string // its row in the table is clicked
  readonly size?: { readonly width: number; readonly height: number }
}

const shots: readonly Shot[] = [
  { name: 'regression', trace: 0, view: '', site: 'dot' },
  { name: 'sites', trace: 1, view: 'side=tree' },
  { name: 'dark', trace: 1, view: 'side=physl&theme=dark', site: 'dot' },
  { name: 'critical', trace: 1, view: 'below=critical&side=tree' },
  { name: 'counters', trace: 0, view: 'below=counters&side=physl' },
  { name: 'histogram', trace: 1, view: 'below=histogram', site: 'dot' },
  { name: 'details', trace: 1, view: 'below=details' },
  { name: 'roofline', trace: 0, view: 'below=roofline', site: 'dot' },
  { name: 'compare', trace: 0, view: 'below=compare&with=OTHER' },
  { name: 'large', trace: 1, view: '', size: { width: 1920, height: 1080 } },
]

const served = await serve(...traces)
const browser = await openBrowser()
let errors = 0
try {
  const token = new URL(served.address).search
  const base = served.address.replace(token, '')
  const list = (await (await fetch(`${base}v1/traces${token}`)).json()) as { id: string; name: string }[]
  for (const shot of shots) {
    const name = traces[shot.trace].split('/').pop()
    const trace = list.find(t => t.name === name)!.id
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
    await page.goto(`${served.address}#trace=${trace}&${shot.view.replace('OTHER', list.find(t => t.id !== trace)?.id ?? '')}`)
    await page.waitForSelector('.gantt canvas')
    if (shot.site) {
      await page.fill('.search input', shot.site)
      await page.press('.search input', 'Enter')
    }
    await page.waitForTimeout(1500)
    await page.screenshot({ path: `${output}/${shot.name}.png` })
    await page.close()
  }
} finally {
  await browser.close()
  served.stop()
}
process.exit(errors ? 1 : 0)
