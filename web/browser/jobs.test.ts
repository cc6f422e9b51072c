// The view of jobs, on jobs that run on this machine.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { open, traces, useBrowser } from './page'
import { tool } from './serve'

useBrowser()

test('jobs are listed while they run, their log is shown, and they can be stopped', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'jetlag-jobs-'))
  const child = spawn(tool, ['serve', '--with-input', '--jobs', folder, traces[0]], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string]
    const at = /http:\/\/\S+/.exec(line)![0]
    const { origin, search } = new URL(at)
    const submit = (command: readonly string[]) => fetch(`${origin}/v1/jobs${search}`, { method: 'POST', body: JSON.stringify({ command }) })
    const { page, errors } = await open('views=jobs', at)
    await page.getByText('No job yet').waitFor()

    await submit(['sh', '-c', 'echo "hello <b>🦆"; sleep 60'])
    const row = page.locator('[data-job]', { hasText: 'running' })
    await row.click()
    await page.locator('.one-job pre', { hasText: 'hello <b>🦆' }).waitFor()
    await page.locator('.one-job button', { hasText: 'cancel' }).click()
    await page.locator('[data-job]', { hasText: 'cancelled' }).waitFor()
    await page.locator('label', { hasText: 'state' }).locator('select').selectOption('running')
    await page.getByText('No job fits this').waitFor()

    expect(errors).toEqual([])
    await page.close()
  } finally {
    child.stdin!.end()
  }
})

test('a server without jobs says which one has them', async () => {
  const { page, errors } = await open('views=jobs')
  await page.getByText('This server keeps no jobs').waitFor()
  expect(errors).toEqual([])
  await page.close()
})
