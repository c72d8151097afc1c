import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { BpfMap } from '../../src/bpf/index.ts'
import { u32 } from '../../src/firewall/counters.ts'
import { Firewall, type Paths, takeLock } from '../../src/firewall/index.ts'
import { command } from '../../src/linux/command.ts'
import { Fixture, udpPacket } from './firewall-fixture.ts'

const fixture = new Fixture('transaction')
afterEach(() => fixture.reset())
after(() => fixture.remove())

const firewall = (paths = fixture.paths) => new Firewall(paths)
const child = fileURLToPath(new URL('transaction-child.ts', import.meta.url))

interface Outcome {
  readonly code?: string
  readonly message?: string
  readonly steps: readonly string[]
  readonly killed: boolean
}

/** Runs a task in a process of its own, with a command before it if given, such as `setpriv`. */
function inChild(
  task: { readonly dieAt?: string; readonly paths?: Paths; readonly action?: 'status' },
  before: readonly string[] = [],
) {
  const config = join(fixture.folder, 'config.json')
  const node = [process.execPath, ...process.execArgv.filter((one) => !one.startsWith('--test'))]
  const [program, ...args] = [...before, ...node, child, JSON.stringify({ paths: fixture.paths, config, ...task })]
  const { stdout, stderr, signal } = spawnSync(program!, args, { encoding: 'utf8' })
  if (signal === 'SIGKILL') return { steps: [], killed: true } as Outcome
  assert.notEqual(stdout, '', stderr)
  return { ...(JSON.parse(stdout) as Outcome), killed: false }
}

const first = ['drop if udp.dstport == 1', 'pass if udp']
const second = [{ id: 'two', drop: 'udp.dstport == 2' }, 'drop if ip.src in $bad']
const more = { interfaces: ['sea0', 'sea2.7'], sets: { bad: ['203.0.113.0/24'] } }

/** What packets to ports 1 and 2 and from the set say about the generation they went through. */
const verdicts = () =>
  [udpPacket(1), udpPacket(2), udpPacket(3, '203.0.113.9')].map((packet) => fixture.send(packet)).join(' ')
const ofFirst = 'drop pass pass'
const ofSecond = 'pass drop drop'

/** No leftovers: the root, the links and at most two generations. */
function assertTidy(links: readonly string[]): void {
  const top = fixture.pins().filter((name) => !name.includes('/'))
  const { generation, previous } = firewall().status()
  const generations = [previous, generation].flatMap((one) => (one === undefined ? [] : `gen-${one}`))
  assert.deepEqual(top, ['entry', 'links', 'received', 'stages', ...generations].sort())
  const linked = fixture.pins().filter((name) => name.startsWith('links/'))
  assert.deepEqual(linked, links.map((name) => `links/${name.replaceAll('.', ':')}`).sort())
}

/** All steps of an apply over an existing state, and of a first one. */
const steps = [
  'sets',
  'maps',
  'loaded',
  'pinned',
  'attached',
  'published',
  'swapped',
  'linked',
  'detached',
  'collected',
]
const rootSteps = ['root-received', 'root-stages', 'root-entry']

describe('Firewall.apply killed at any step', () => {
  test('has the steps that are tried here', async () => {
    await fixture.config(first)
    assert.deepEqual(inChild({}).steps, [...rootSteps, ...steps])
    await fixture.config(second, more)
    assert.deepEqual(inChild({}).steps, steps)
  })

  for (const dieAt of steps) {
    test(`over a state, at "${dieAt}": the old or the new rules are whole, and the next apply goes on`, async () => {
      await firewall().apply(await fixture.config(first))
      await fixture.config(second, more)
      assert.equal(inChild({ dieAt }).killed, true)
      const swapped = steps.indexOf(dieAt) >= steps.indexOf('swapped')
      assert.equal(verdicts(), swapped ? ofSecond : ofFirst)
      assert.equal(firewall().status().generation, swapped ? 2 : 1)
      const { received, verdicts: counted } = firewall().counters()
      assert.equal(received.packets, 3)
      assert.equal(counted.drop.packets + counted.pass.packets, 3)

      await firewall().apply(await fixture.config(second, more))
      assert.equal(verdicts(), ofSecond)
      assert.ok(
        firewall()
          .status()
          .interfaces.every((one) => one.attached),
      )
      assertTidy(['sea0', 'sea2.7'])
    })
  }

  for (const dieAt of [...rootSteps, ...steps]) {
    test(`of the first, at "${dieAt}": nothing or all is in force, and the next apply goes on`, async () => {
      await fixture.config(first)
      assert.equal(inChild({ dieAt }).killed, true)
      const swapped = steps.indexOf(dieAt) >= steps.indexOf('swapped')
      assert.equal(firewall().isUp(), swapped)
      await firewall().apply(await fixture.config(first))
      assert.equal(verdicts(), ofFirst)
      assert.deepEqual(
        firewall()
          .status()
          .interfaces.map((one) => one.attached),
        [true],
      )
      await firewall().apply(await fixture.config(second, more))
      assertTidy(['sea0', 'sea2.7'])
    })
  }

  test('at "swapped": reconcile attaches the interface that was not pinned yet', async () => {
    await firewall().apply(await fixture.config(first))
    await fixture.config(second, more)
    inChild({ dieAt: 'swapped' })
    assert.equal(firewall().status().interfaces[1]!.attached, false)
    await firewall().reconcile()
    assert.equal(firewall().status().interfaces[1]!.attached, true)
    assertTidy(['sea0', 'sea2.7'])
  })
})

describe('Firewall.apply that fails', () => {
  /** Runs something that must fail, and checks that nothing has changed by it. */
  async function failsWithoutTrace(work: () => Promise<unknown>, expected: { code: string; message?: RegExp }) {
    const before = fixture.pins()
    const { generation } = firewall().status()
    await assert.rejects(work(), expected)
    assert.deepEqual(fixture.pins(), before)
    assert.equal(firewall().status().generation, generation)
    assert.equal(verdicts(), ofFirst)
  }

  test('for an interface that does not exist names those that do', async () => {
    await firewall().apply(await fixture.config(first))
    const config = await fixture.config(second, { ...more, interfaces: ['sea0', 'eth99'] })
    await failsWithoutTrace(() => firewall().apply(config), { code: 'SEAWALL_INTERFACE', message: /"eth99".*sea0/ })
    await assert.rejects(firewall().plan(config), { code: 'SEAWALL_INTERFACE' })
  })

  test('for an interface whose driver refuses native XDP leaves all as it was', async () => {
    await firewall().apply(await fixture.config(first))
    const config = await fixture.config(second, { ...more, interfaces: ['sea2.7', { name: 'lo', mode: 'native' }] })
    await failsWithoutTrace(() => firewall().apply(config), {
      code: 'SEAWALL_INTERFACE',
      message: /"lo" in native mode/,
    })
  })

  test('as the first leaves nothing behind', async () => {
    const config = await fixture.config(second, { ...more, interfaces: ['sea0', { name: 'lo', mode: 'native' }] })
    await assert.rejects(firewall().apply(config), { code: 'SEAWALL_INTERFACE' })
    assert.deepEqual(fixture.pins(), [])
    assert.equal(command('ip', ['-n', fixture.netns, '-json', 'link', 'show', 'sea0']).includes('"xdp"'), false)
  })

  test('at any step puts everything back', async () => {
    await firewall().apply(await fixture.config(first))
    const config = await fixture.config(second, more)
    for (const failAt of steps.slice(0, steps.indexOf('linked') + 1)) {
      const step = (name: string) => {
        if (name === failAt) throw Object.assign(new Error(`no ${name}`), { code: 'TEST' })
      }
      await failsWithoutTrace(() => new Firewall(fixture.paths, { step }).apply(config), { code: 'TEST' })
    }
  })

  test('for a writer at work names its process, and waits for it if told to', async () => {
    await firewall().apply(await fixture.config(first))
    const config = await fixture.config(second, more)
    const lock = await takeLock(fixture.paths.run, 'lock')
    const expected = { code: 'SEAWALL_LOCKED', message: new RegExp(`process ${process.pid} `) }
    await failsWithoutTrace(() => firewall().apply(config), expected)
    const waiting = new Firewall(fixture.paths, { waitMs: 10_000 }).apply(config)
    await sleep(50)
    lock.release()
    assert.equal((await waiting).changed, true)
  })

  test('for state of another version says so, and down removes that too', async () => {
    await firewall().apply(await fixture.config(first))
    const manifest = BpfMap.openPinned(join(fixture.paths.bpf, 'gen-1', 'manifest'))
    const text = new TextDecoder().decode(manifest.getRaw(u32(0))!)
    manifest.setRaw(u32(0), new TextEncoder().encode(text.replace(/"layout":"[0-9a-f]{8}/, '"layout":"00000000')))
    manifest.close()
    const expected = { code: 'SEAWALL_STATE_VERSION', message: /layout 00000000.*seawall down/ }
    await assert.rejects(firewall().apply(await fixture.config(second, more)), expected)
    assert.throws(() => firewall().status(), expected)
    assert.equal(verdicts(), ofFirst)
    await firewall().down()
    assert.deepEqual(fixture.pins(), [])
  })

  test('without root says what it needs', async () => {
    await firewall().apply(await fixture.config(first))
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
    // The test's own folder is for its owner alone.
    command('chmod', ['-R', 'a+rX', fixture.folder])
    const { code, message } = inChild({}, nobody)
    assert.deepEqual([code, /CAP_NET_ADMIN.*sudo/.test(message!)], ['SEAWALL_PERMISSION', true])
    assert.equal(inChild({ action: 'status' }, nobody).code, 'SEAWALL_PERMISSION')
  })

  test('on a kernel without bpf(2) says so', async () => {
    await fixture.config(first)
    const { code, message } = inChild({}, [buildNoBpf()])
    assert.deepEqual([code, /CONFIG_BPF_SYSCALL/.test(message!)], ['SEAWALL_NO_BPF', true])
  })

  test('where no BPF file system is mounted tells how to mount it', async () => {
    const config = await fixture.config(first)
    const folder = join(fixture.folder, 'plain')
    mkdirSync(folder, { recursive: true })
    const paths = { ...fixture.paths, bpf: join(folder, 'seawall') }
    await assert.rejects(firewall(paths).apply(config), { code: 'SEAWALL_BPFFS', message: /mount -t bpf bpf/ })
  })

  test('on a BPF file system that cannot be written leaves the old rules in force', async () => {
    const folder = join(fixture.folder, 'bpffs')
    mkdirSync(folder)
    command('mount', ['-t', 'bpf', 'bpf', folder])
    const paths = { ...fixture.paths, bpf: join(folder, 'seawall') }
    try {
      await firewall(paths).apply(await fixture.config(first))
      command('mount', ['-o', 'remount,ro', folder])
      const config = await fixture.config(second, more)
      await assert.rejects(firewall(paths).apply(config), { code: 'SEAWALL_BPFFS', message: /EROFS/ })
      // The kernel opens no pins there for now, not even to read them; packets do not care.
      command('mount', ['-o', 'remount,rw', folder])
      assert.equal(firewall(paths).status().generation, 1)
      assert.equal((await firewall(paths).apply(config)).generation, 2)
    } finally {
      command('mount', ['-o', 'remount,rw', folder])
      await firewall(paths).down()
      command('umount', [folder])
    }
  })

  test('with a full disk under the lock leaves the old rules in force', async () => {
    await firewall().apply(await fixture.config(first))
    const run = join(fixture.folder, 'full')
    mkdirSync(run)
    command('mount', ['-t', 'tmpfs', '-o', 'size=4k,nr_inodes=3', 'tmpfs', run])
    try {
      command('sh', ['-c', `head -c 4096 /dev/zero > ${run}/filler`])
      const config = await fixture.config(second, more)
      const full = firewall({ ...fixture.paths, run })
      await failsWithoutTrace(() => full.apply(config), { code: 'SEAWALL_FULL', message: /ENOSPC/ })
      const nowhere = firewall({ ...fixture.paths, run: '/dev/null/run' })
      await failsWithoutTrace(() => nowhere.apply(config), { code: 'SEAWALL_PERMISSION' })
    } finally {
      command('umount', [run])
    }
  })
})

describe('Firewall.rollback', () => {
  test('goes back to the rules, sets and interfaces before, and forth again', async () => {
    await firewall().apply(await fixture.config(first))
    await firewall().apply(await fixture.config(second, more))
    await firewall().rollback()
    assert.equal(verdicts(), ofFirst)
    assertTidy(['sea0'])
    await firewall().rollback()
    assert.equal(verdicts(), ofSecond)
    assertTidy(['sea0', 'sea2.7'])
    const { received, verdicts: counted } = firewall().counters()
    assert.equal(counted.drop.packets + counted.pass.packets, received.packets)
  })

  test('keeps rules added at run time', async () => {
    await firewall().apply(await fixture.config(first))
    await firewall().apply(await fixture.config(second, more))
    await firewall().drop({ expr: 'udp.dstport == 7', id: 'seven' })
    await firewall().rollback()
    assert.equal(verdicts(), ofFirst)
    assert.equal(fixture.send(udpPacket(7)), 'drop')
  })

  test('of the first generation says that there is none before it', async () => {
    await firewall().apply(await fixture.config(first))
    await assert.rejects(firewall().rollback(), { code: 'SEAWALL_NO_PREVIOUS' })
    await assert.rejects(firewall().confirm(), { code: 'SEAWALL_NOTHING_TO_CONFIRM' })
  })
})

describe('Firewall.apply with a time to confirm it in', () => {
  test('is due when that is over, unless it was confirmed', async () => {
    await firewall().apply(await fixture.config(first))
    const applied = await firewall().apply({ ...(await fixture.config(second, more)), confirmWithinMs: 60_000 })
    assert.ok(applied.pending!.dueInMs > 50_000 && applied.pending!.dueInMs <= 60_000)
    const now = process.hrtime.bigint()
    assert.equal(await firewall().rollback(now), undefined)
    assert.equal((await firewall().confirm()).generation, applied.generation)
    assert.equal(firewall().confirmDue(), undefined)
    assert.equal(await firewall().rollback(now + 3_600_000_000_000n), undefined)
    assert.equal(verdicts(), ofSecond)
  })

  test('rolls back to what was confirmed last, over changes made meanwhile', async () => {
    await firewall().apply(await fixture.config(first))
    await firewall().apply({ ...(await fixture.config(second, more)), confirmWithinMs: 60_000 })
    await firewall().drop({ expr: 'udp.dstport == 7', id: 'seven' })
    await firewall().apply({ ...(await fixture.config(['drop if ip'])), confirmWithinMs: 1 })
    await sleep(5)
    assert.deepEqual(Object.keys((await firewall().rollback(process.hrtime.bigint()))!), ['generation'])
    assert.equal(verdicts(), ofFirst)
    assert.equal(fixture.send(udpPacket(7)), 'drop')
  })

  test('as the first rolls back to nothing', async () => {
    await firewall().apply({ ...(await fixture.config(first)), confirmWithinMs: 1 })
    await sleep(5)
    assert.deepEqual(await firewall().rollback(process.hrtime.bigint()), {})
    assert.deepEqual(fixture.pins(), [])
  })
})

/** A program that runs another one without bpf(2), as in a container with a strict seccomp profile. */
function buildNoBpf(): string {
  const source = `
    #include <errno.h>
    #include <linux/filter.h>
    #include <linux/seccomp.h>
    #include <stddef.h>
    #include <sys/prctl.h>
    #include <sys/syscall.h>
    #include <unistd.h>
    int main(int argc, char **argv) {
      struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      };
      struct sock_fprog program = { 4, filter };
      prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
      if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) return 1;
      execvp(argv[1], argv + 1);
      return 1;
    }`
  const path = join(fixture.folder, 'no-bpf')
  const { status, stderr } = spawnSync('clang-14', ['-x', 'c', '-o', path, '-'], { input: source, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return path
}
