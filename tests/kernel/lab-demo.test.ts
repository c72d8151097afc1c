import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { PhaseFigures } from '../../lab/demo/figures.ts'
import { phaseNames } from '../../lab/demo/phases.ts'
import { BPFFS, isBpffs } from '../../src/linux/bpffs.ts'
import { listNetns } from '../../src/linux/netns.ts'
import { type Ended, ended, start } from '../../src/linux/process.ts'

async function demo(
  args: readonly string[],
  before: readonly string[] = [],
): Promise<Ended & { readonly pid: number }> {
  const [program, ...rest] = [...before, process.execPath, '--import', 'tsx', 'lab/demo/main.ts', ...args]
  const child = start(program!, rest)
  return { ...(await ended(child)), pid: child.pid! }
}

/** What a demo left behind. */
function leftBy(pid: number): string[] {
  const places = [listNetns(), readdirSync(tmpdir()), isBpffs(BPFFS) ? readdirSync(BPFFS) : []]
  return places.flat().filter((name) => name.startsWith(`seawall-lab-${pid}-`))
}

test('demo keeps its promise, and says so in JSON and in a picture', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'seawall-demo-test-'))
  const svg = join(directory, 'demo.svg')
  try {
    const { code, stdout, stderr, pid } = await demo(['--json', '--seconds', '3', '--svg', svg])
    assert.equal(code, 0, `${stdout}\n${stderr}`)
    const { phases } = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as { phases: PhaseFigures[] }
    assert.deepEqual(
      phases.map(({ name }) => name),
      [...phaseNames],
    )
    for (const phase of phases) {
      const { attackDropped, attackAnswered, attackPassed, attackLost } = phase
      assert.equal(phase.attackSent, attackDropped + attackAnswered + attackPassed + attackLost, phase.name)
      assert.equal(phase.legitDropped, 0, phase.name)
    }
    assert.match(readFileSync(svg, 'utf8'), /^<svg /)
    assert.deepEqual(leftBy(pid), [])
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})

test('demo interrupted by Ctrl-C in the middle of an attack leaves nothing behind', async () => {
  const child = start(process.execPath, ['--import', 'tsx', 'lab/demo/main.ts', '--seconds', '3'])
  child.stdout?.on('data', (text: Buffer) => text.includes('unprotected') && child.kill('SIGINT'))
  const { code } = await ended(child)
  assert.equal(code, 130)
  assert.deepEqual(leftBy(child.pid!), [])
})

test('demo says what it needs root for when it has no privileges', async () => {
  const { code, stderr } = await demo([], ['setpriv', '--bounding-set', '-all', '--inh-caps', '-all'])
  assert.equal(code, 1)
  assert.match(stderr, /Cannot go on without CAP_NET_ADMIN.*network namespaces.*root/)
})

test('demo refuses a number out of range', async () => {
  const { code, stderr } = await demo(['--seconds', '0'])
  assert.equal(code, 1)
  assert.match(stderr, /--seconds "0".*3 to 60/)
})
