import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { BpfMap } from '../../src/bpf/index.ts'
import { u32 } from '../../src/entry/u32.ts'
import { Firewall, takeLock } from '../../src/firewall/index.ts'
import { command } from '../../src/linux/command.ts'
import { Fixture, first, inChild, more, ofFirst, second, verdicts } from './firewall-fixture.ts'

const fixture = new Fixture('failure')
afterEach(() => fixture.reset())
after(() => fixture.remove())

const firewall = (paths = fixture.paths) => new Firewall(paths)

/** The steps that can fail, see transaction.ts. */
const steps = ['sets', 'maps', 'loaded', 'pinned', 'attached', 'published', 'swapped', 'linked']

/** Runs something that must fail, and checks that nothing has changed by it. */
async function failsWithoutTrace(work: () => Promise<unknown>, expected: { code: string; message?: RegExp }) {
  const before = fixture.pins()
  const { generation } = firewall().status()
  await assert.rejects(work(), expected)
  assert.deepEqual(fixture.pins(), before)
  assert.equal(firewall().status().generation, generation)
  assert.equal(verdicts(fixture), ofFirst)
}

test('Firewall.apply that fails for an interface that does not exist names those that do', async () => {
  await firewall().apply(await fixture.config(first))
  const config = await fixture.config(second, { ...more, interfaces: ['sea0', 'eth99'] })
  await failsWithoutTrace(() => firewall().apply(config), { code: 'SEAWALL_INTERFACE', message: /"eth99".*sea0/ })
  await assert.rejects(firewall().plan(config), { code: 'SEAWALL_INTERFACE' })
})

test('Firewall.apply that fails for an interface whose driver refuses native XDP leaves all as it was', async () => {
  await firewall().apply(await fixture.config(first))
  const config = await fixture.config(second, { ...more, interfaces: ['sea2.7', { name: 'lo', mode: 'native' }] })
  await failsWithoutTrace(() => firewall().apply(config), {
    code: 'SEAWALL_INTERFACE',
    message: /"lo" in native mode/,
  })
})

test('Firewall.apply that fails as the first leaves nothing behind', async () => {
  const config = await fixture.config(second, { ...more, interfaces: ['sea0', { name: 'lo', mode: 'native' }] })
  await assert.rejects(firewall().apply(config), { code: 'SEAWALL_INTERFACE' })
  assert.deepEqual(fixture.pins(), [])
  assert.equal(command('ip', ['-n', fixture.netns, '-json', 'link', 'show', 'sea0']).includes('"xdp"'), false)
})

test('Firewall.apply that fails at any step puts everything back', async () => {
  await firewall().apply(await fixture.config(first))
  const config = await fixture.config(second, more)
  for (const failAt of steps) {
    const step = (name: string) => {
      if (name === failAt) throw Object.assign(new Error(`no ${name}`), { code: 'TEST' })
    }
    await failsWithoutTrace(() => new Firewall(fixture.paths, { step }).apply(config), { code: 'TEST' })
  }
})

test('Firewall.apply that fails for a writer at work names its process, and waits for it if told to', async () => {
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

test('Firewall.apply that fails for state of another version says so, and down removes that too', async () => {
  await firewall().apply(await fixture.config(first))
  const manifest = BpfMap.openPinned(join(fixture.paths.bpf, 'gen-1', 'manifest'))
  const text = new TextDecoder().decode(manifest.getRaw(u32(0))!)
  manifest.setRaw(u32(0), new TextEncoder().encode(text.replace(/"layout":"[0-9a-f]{8}/, '"layout":"00000000')))
  manifest.close()
  const expected = { code: 'SEAWALL_STATE_VERSION', message: /layout 00000000.*seawall down/ }
  await assert.rejects(firewall().apply(await fixture.config(second, more)), expected)
  assert.throws(() => firewall().status(), expected)
  assert.equal(verdicts(fixture), ofFirst)
  await firewall().down()
  assert.deepEqual(fixture.pins(), [])
})

test('Firewall.apply that fails without root says what it needs', async () => {
  await firewall().apply(await fixture.config(first))
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
  // The test's own folder is for its owner alone.
  command('chmod', ['-R', 'a+rX', fixture.folder])
  const task = { paths: fixture.paths, request: await fixture.config(second, more) } as const
  const { code, message } = inChild({ ...task, action: 'apply' }, nobody)
  assert.deepEqual([code, /CAP_NET_ADMIN.*sudo/.test(message!)], ['SEAWALL_PERMISSION', true])
  assert.equal(inChild({ ...task, action: 'status' }, nobody).code, 'SEAWALL_PERMISSION')
})

test('Firewall.apply that fails on a kernel without bpf(2) says so', async () => {
  const request = await fixture.config(first)
  const { code, message } = inChild({ paths: fixture.paths, action: 'apply', request }, [buildNoBpf()])
  assert.deepEqual([code, /CONFIG_BPF_SYSCALL/.test(message!)], ['SEAWALL_NO_BPF', true])
})

test('Firewall.apply that fails where no BPF file system is mounted tells how to mount it', async () => {
  const config = await fixture.config(first)
  const folder = join(fixture.folder, 'plain')
  mkdirSync(folder, { recursive: true })
  const paths = { ...fixture.paths, bpf: join(folder, 'seawall') }
  await assert.rejects(firewall(paths).apply(config), { code: 'SEAWALL_BPFFS', message: /mount -t bpf bpf/ })
})

test('Firewall.apply that fails on a BPF file system that cannot be written leaves the old rules in force', async () => {
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

test('Firewall.apply that fails with a full disk under the lock leaves the old rules in force', async () => {
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
