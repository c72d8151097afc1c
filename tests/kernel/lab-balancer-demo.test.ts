import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { StageFigures } from '../../lab/demo/balancer/figures.ts'
import { stageNames } from '../../lab/demo/balancer/timeline.ts'
import { BPFFS, isBpffs } from '../../src/linux/bpffs.ts'
import { listNetns } from '../../src/linux/netns.ts'
import { type Ended, ended, start } from '../../src/linux/process.ts'

const DEMO = ['--import', 'tsx', 'lab/demo/main.ts', 'balancer']

async function demo(...args: readonly string[]): Promise<Ended & { readonly pid: number }> {
  const child = start(process.execPath, [...DEMO, ...args])
  return { ...(await ended(child)), pid: child.pid! }
}

/** What a demo left behind. */
function leftBy(pid: number): string[] {
  const places = [listNetns(), readdirSync(tmpdir()), isBpffs(BPFFS) ? readdirSync(BPFFS) : []]
  return places.flat().filter((name) => name.startsWith(`seawall-lab-${pid}-`))
}

test('demo of the balancer loses no connection while servers join and leave, and says so in JSON and in a picture', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'seawall-demo-test-'))
  const svg = join(directory, 'demo.svg')
  try {
    const { code, stdout, stderr, pid } = await demo('--json', '--seconds', '1', '--connections', '200', '--svg', svg)
    assert.equal(code, 0, `${stdout}\n${stderr}`)
    assert.equal(stdout.includes('\x1b'), false)
    const { stages } = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as { stages: StageFigures[] }
    assert.deepEqual(
      stages.map(({ name, lost, moved, failed }) => ({ name, lost, moved, failed })),
      stageNames.map((name) => ({ name, lost: 0, moved: 0, failed: 0 })),
    )
    assert.match(readFileSync(svg, 'utf8'), /^<svg /)
    assert.deepEqual(leftBy(pid), [])
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})

test('demo of the balancer interrupted by Ctrl-C leaves nothing behind', async () => {
  const child = start(process.execPath, [...DEMO, '--seconds', '1', '--connections', '50'])
  child.stdout?.on('data', (text: Buffer) => text.includes('joined') && child.kill('SIGINT'))
  const { code } = await ended(child)
  assert.equal(code, 130)
  assert.deepEqual(leftBy(child.pid!), [])
})

test('demo of the balancer refuses a number out of range', async () => {
  const { code, stderr } = await demo('--connections', '9')
  assert.equal(code, 1)
  assert.match(stderr, /--connections "9".*10 to 4000/)
})
