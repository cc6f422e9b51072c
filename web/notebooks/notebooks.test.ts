// JupyterLab and Notebook 7, real ones: a cell shows the viewer, and the saved notebook keeps its picture.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBrowser } from '../browser/serve'

const jupyter = process.env.JUPYTER ?? '../.venv/bin/jupyter'
const token = 'a-token-of-this-test'

const cells = [
  `import jetlag as jl, numpy as np
@jl.jit
def grow(x, rounds):
    for _ in range(rounds):
        x = np.exp(x) * 0.1
    return x
with jl.trace("run <b>1.jlt"):
    grow(np.ones(100_000), 5)
jl.view("run <b>1.jlt")`,
  '%load_ext jetlag',
  '%%jetlag\ngrow(np.ones(1000), 3)',
]

interface Output {
  readonly data?: Readonly<Record<string, string | readonly string[]>>
}
interface Saved {
  readonly cells: readonly { readonly outputs: readonly Output[] }[]
}

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser.close())

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await new Promise(done => probe.once('listening', done))
  const { port } = probe.address() as AddressInfo
  await new Promise(done => probe.close(done))
  return port
}

// Runs all cells in one of the applications, saves, and hands over the page, then what was saved.
async function inNotebook(kind: 'lab' | 'notebook', look: (page: Page) => Promise<void>): Promise<Saved> {
  const folder = mkdtempSync(join(tmpdir(), 'jetlag-notebook-'))
  const file = join(folder, 'run.ipynb')
  writeFileSync(file, JSON.stringify({
    nbformat: 4, nbformat_minor: 5, metadata: { kernelspec: { name: 'python3', display_name: 'Python 3', language: 'python' } },
    cells: cells.map((source, i) => ({ cell_type: 'code', id: `c${i}`, metadata: {}, execution_count: null, outputs: [], source })),
  }))
  const port = await freePort()
  const own = (name: string) => join(folder, `.${name}`)
  const server = spawn(jupyter, [
    kind, '--no-browser', '--allow-root', '--ip=127.0.0.1', `--port=${port}`, `--IdentityProvider.token=${token}`,
    `--ServerApp.root_dir=${folder}`, '--expose-app-in-browser',
  ], {
    stdio: 'ignore',
    env: {
      ...process.env, JUPYTER_CONFIG_DIR: own('config'), JUPYTER_DATA_DIR: own('data'), JUPYTER_RUNTIME_DIR: own('runtime'),
      IPYTHONDIR: own('ipython'),
    },
  })
  try {
    const base = `http://127.0.0.1:${port}`
    await expect.poll(() => fetch(`${base}/api`).then(answer => answer.ok, () => false), { timeout: 120_000 }).toBe(true)
    const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } })
    await page.goto(`${base}/${kind === 'lab' ? 'lab/tree' : 'notebooks'}/run.ipynb?token=${token}`)
    await page.waitForSelector('.jp-Notebook .jp-CodeCell', { timeout: 120_000 })
    const execute = (command: string) => page.evaluate(name =>
      (window as unknown as { jupyterapp: { commands: { execute(name: string): Promise<unknown> } } }).jupyterapp.commands.execute(name), command)
    const kernels = async () => (await (await fetch(`${base}/api/kernels?token=${token}`)).json()) as { execution_state: string }[]
    await expect.poll(async () => (await kernels())[0]?.execution_state, { timeout: 120_000 }).toBe('idle')
    await execute('notebook:run-all-cells')
    await look(page)
    await execute('docmanager:save')
    const saved = () => JSON.parse(readFileSync(file, 'utf8')) as Saved
    await expect.poll(() => saved().cells[2].outputs.length, { timeout: 30_000 }).toBeGreaterThan(0)
    await page.close()
    return saved()
  } finally {
    server.kill('SIGTERM')
    await new Promise(done => server.once('exit', done))
  }
}

const htmlOf = (saved: Saved, cell: number) => {
  const data = saved.cells[cell].outputs.map(output => output.data?.['text/html']).find(html => html !== undefined)
  return [data ?? []].flat().join('')
}

test.each(['lab', 'notebook'] as const)('%s shows the viewer in the cell, and keeps a picture', async kind => {
  const saved = await inNotebook(kind, async page => {
    const frame = page.frameLocator('iframe[title="the trace run <b>1.jlt"]')
    await frame.locator('.gantt canvas').waitFor({ timeout: 120_000 })
    await frame.locator('[data-view=sites] tbody tr').first().click()
    await frame.locator('[data-view=sites] .lit').first().waitFor()
    await page.frameLocator('iframe[title="the trace cell.jlt"]').locator('.gantt canvas').waitFor({ timeout: 120_000 })
  })

  for (const cell of [0, 2]) {
    const html = htmlOf(saved, cell)
    expect(html).toContain('<iframe src="http://127.0.0.1:')
    expect(html.slice(html.lastIndexOf('</iframe>'))).toContain('<svg')
  }

  // What shows a saved notebook may drop frames and scripts, as VS Code does where it does not trust the notebook:
  // the picture and the link are there all the same.
  const page = await browser.newPage()
  await page.setContent(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">${htmlOf(saved, 0)}`)
  await page.locator('a', { hasText: 'open in a tab of its own' }).waitFor()
  await page.locator('summary', { hasText: 'as it was when this cell ran' }).click()
  const picture = (await page.locator('svg').first().boundingBox())!
  expect(Math.min(picture.width, picture.height)).toBeGreaterThan(30)
  expect(await page.locator('td', { hasText: 'wait for tasks' }).count()).toBeGreaterThan(0)
  await page.close()
}, 400_000)
