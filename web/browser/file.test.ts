// A trace as one HTML file: it shows what the server shows, from anywhere.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { embeddedSource } from '../src/api/embedded'
import { decodeRows } from '../src/api/rows'
import type { Rows, TaskGraph } from '../src/api/types'
import { viewNames } from '../src/model/layout'
import { address, idOf, newContext, traces, useBrowser, watch } from './page'
import { tool } from './serve'

useBrowser()

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

// In which order edges are told says nothing.
const inOrder = ({ edges, ...rest }: TaskGraph) => ({ ...rest, edges: edges.from.map((from, e) => `${from} ${edges.to[e]} ${edges.bytes[e]}`).sort() })

describe.each(traces)('%s as a file', path => {
  test('shows the trace without a server and without a network', async () => {
    const file = exported(path)
    expect(statSync(file).size).toBeLessThan(3_000_000)
    const context = await newContext({ offline: true, viewport: { width: 1280, height: 720 } })
    const page = await context.newPage()
    const errors = watch(page)
    await page.goto(`file://${file}`)
    await page.locator('tbody tr:has(code)', { hasText: '.py:' }).first().click()
    await page.locator('.text .line.lit').first().waitFor()
    for (const view of viewNames) {
      await page.goto(`file://${file}#views=${view}`)
      await page.reload()
      await page.waitForSelector(`[data-view=${view}] .body`)
      await page.waitForTimeout(150)
      expect((await page.locator(`[data-view=${view}] .body`).innerHTML()).length).toBeGreaterThan(20)
    }
    expect(errors).toEqual([])
    await context.close()
  })

  test('answers as the server does', async () => {
    const packed = /id="jetlag-trace">([^<]*)</.exec(readFileSync(exported(path), 'utf8'))![1]
    const data = JSON.parse(inflateSync(Buffer.from(packed, 'base64')).toString())
    const source = embeddedSource(data)
    const { origin, search } = new URL(address())
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
      const spans = await source.spans(id, { begin, end, sites: [busiest] })
      expect(spans).toEqual(await (await ask('spans')).json())
    }
    const ask = async (what: string) => (await fetch(`${origin}/v1/traces/${id}/${what}${search}`)).json()
    expect(await source.siteGraph(id)).toEqual(await ask('graph'))
    expect(await source.plan(id)).toEqual(await ask('plan'))
    const node = data.tree.count.indexOf(Math.max(...data.tree.count))
    expect(await source.instances(id, node, -1, length + 1)).toEqual(await ask(`tree/${node}/instances`))
    const task = Math.floor(data.tasks.length / 2)
    expect(inOrder(await source.graph(id, task, 3))).toEqual(inOrder(await ask(`tasks/${task}/graph`)))
  })
})

