import assert from 'node:assert/strict'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isBpffs, mountBpffs } from '../../src/linux/bpffs.ts'
import { command } from '../../src/linux/command.ts'
import {
  driverCounters,
  findInterface,
  ipBatch,
  listInterfaces,
  napiThreads,
  setOffloads,
  threadNapi,
} from '../../src/linux/interface.ts'
import { createNetns, currentNetnsId, inNetns, listNetns, netnsPids, removeNetns } from '../../src/linux/netns.ts'
import { PrivateNetns } from '../../src/linux/private-netns.ts'
import { ended, makeRealtime, pinToCpu, start, stop, threadCpuTime } from '../../src/linux/process.ts'
import { listListeners } from '../../src/linux/sockets.ts'
import { attachFilter, attachToIngress } from '../../src/linux/traffic.ts'
import { loadReturning } from './bpf-programs.ts'

const netns = `seawall-linux-${process.pid}`

before(() => {
  createNetns(netns)
  ipBatch(netns, ['link add sea0 type veth peer name sea1', 'link set sea0 up', 'link set sea1 up'])
})
after(() => removeNetns(netns))

test('createNetns() makes a namespace that listNetns() names, with loopback up', () => {
  assert.ok(listNetns().includes(netns))
  assert.equal(findInterface(netns, 'lo').up, true)
})

test('inNetns() runs work inside and comes back', () => {
  const outside = currentNetnsId()
  const inside = inNetns(netns, currentNetnsId)
  assert.notEqual(inside, outside)
  assert.equal(currentNetnsId(), outside)
})

test('inNetns() comes back when the work throws', () => {
  const outside = currentNetnsId()
  assert.throws(
    () =>
      inNetns(netns, () => {
        throw new Error('work')
      }),
    /work/,
  )
  assert.equal(currentNetnsId(), outside)
})

test('inNetns() refuses asynchronous work and comes back', () => {
  const outside = currentNetnsId()
  assert.throws(() => inNetns(netns, async () => 1), { code: 'NETNS_ASYNC' })
  assert.equal(currentNetnsId(), outside)
})

test('inNetns() names a namespace that does not exist', () => {
  assert.throws(() => inNetns('seawall-none', () => 1), { code: 'NETNS_MISSING', message: /"seawall-none"/ })
})

test('PrivateNetns is a namespace without a name, which other programs can put interfaces into', () => {
  using inside = PrivateNetns.create()
  const outside = currentNetnsId()
  assert.notEqual(inside.run(currentNetnsId), outside)
  assert.equal(currentNetnsId(), outside)
  ipBatch(netns, [`link add cable0 type veth peer name cable1 netns ${inside.path}`])
  const names = inside.run(() => listInterfaces(null).map(({ name }) => name))
  assert.deepEqual(names, ['lo', 'cable1'])
  assert.throws(() => inside.run(async () => 1), { code: 'NETNS_ASYNC' })
  assert.equal(currentNetnsId(), outside)
})

test('PrivateNetns goes with its interfaces when it is closed', async () => {
  const inside = PrivateNetns.create()
  ipBatch(netns, [`link add gone0 type veth peer name gone1 netns ${inside.path}`])
  inside.close()
  inside.close()
  const isThere = () => listInterfaces(netns).some(({ name }) => name === 'gone0')
  for (let tries = 0; isThere(); tries++) {
    assert.ok(tries < 200, 'the interface is still there')
    await sleep(50)
  }
})

/** What is attached to sea0 as a filter, and its queueing disciplines. */
const filters = () => inNetns(netns, () => command('tc', ['filter', 'show', 'dev', 'sea0', 'ingress']))
const qdiscs = () => inNetns(netns, () => command('tc', ['qdisc', 'show', 'dev', 'sea0']))

test('attachToIngress() attaches a program, and leaves nothing behind when it is closed', async () => {
  using program = await loadReturning('sched_cls', 0)
  const before = qdiscs()
  const place = findInterface(netns, 'sea0')
  const attached = attachToIngress(program, place)
  attached[Symbol.dispose]()
  assert.deepEqual([qdiscs(), filters()], [before, ''])
})

test('attachFilter() attaches a program as every kernel can, in the place of one that was left there', async () => {
  using program = await loadReturning('sched_cls', 0, 'first')
  using other = await loadReturning('sched_cls', 0, 'second')
  const before = qdiscs()
  const place = findInterface(netns, 'sea0')
  const left = attachFilter(program, place)
  assert.match(filters(), /first/)
  attachFilter(other, place)[Symbol.dispose]()
  // It did not make the queueing discipline, so that stays.
  assert.match(qdiscs(), /clsact/)
  left[Symbol.dispose]()
  assert.deepEqual([qdiscs(), filters()], [before, ''])
})

test('attachFilter() keeps what others have at the interface', async () => {
  using program = await loadReturning('sched_cls', 0)
  const place = findInterface(netns, 'sea0')
  const own = attachFilter(program, place)
  const { ifindex } = place
  const other = inNetns(netns, () => program.attachFilter({ ifindex, direction: 'egress', priority: 1 }))
  assert.equal(other.madeHook, false)
  own[Symbol.dispose]()
  assert.match(qdiscs(), /clsact/)
  assert.equal(filters(), '')
  inNetns(netns, () => {
    other.close()
    other.removeHook()
  })
  assert.doesNotMatch(qdiscs(), /clsact/)
})

test('findInterface() names the interfaces that exist when one is missing', () => {
  assert.throws(() => findInterface(netns, 'eth9'), { code: 'INTERFACE_MISSING', message: /"eth9".*lo.*sea0/ })
})

test('listInterfaces() tells kind and state', () => {
  const sea0 = listInterfaces(netns).find((one) => one.name === 'sea0')
  assert.equal(sea0?.kind, 'veth')
  assert.equal(sea0?.up, true)
  assert.match(sea0?.mac ?? '', /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/)
})

test('start() puts a child into the namespace and on one CPU', async () => {
  const child = start('sleep', ['10'], { netns, cpu: 0 })
  try {
    await new Promise((resolve) => child.once('spawn', resolve))
    assert.ok(netnsPids(netns).includes(child.pid!))
    const done = await ended(
      start('sh', ['-c', 'grep Cpus_allowed_list /proc/self/status; readlink /proc/self/ns/net'], { netns, cpu: 0 }),
    )
    assert.match(done.stdout, /Cpus_allowed_list:\s+0\n/)
    assert.ok(done.stdout.includes(inNetns(netns, currentNetnsId)))
  } finally {
    await stop(child)
  }
})

test('driverCounters() reads what a veth counts', () => {
  assert.ok(driverCounters(netns, 'sea0').has('rx_queue_0_xdp_drops'))
})

test('threadNapi() gives kernel threads that can be pinned and timed', () => {
  setOffloads(netns, 'sea1', { gro: 'on' })
  const [thread] = threadNapi(netns, 'sea1')
  assert.ok(thread !== undefined && napiThreads('sea1').includes(thread))
  pinToCpu(thread, 1)
  assert.ok(threadCpuTime(thread) >= 0n)
})

test('makeRealtime() puts a thread before ordinary ones', async () => {
  const child = start('sleep', ['10'])
  try {
    await new Promise((resolve) => child.once('spawn', resolve))
    makeRealtime(child.pid!)
    assert.match(command('chrt', ['--pid', String(child.pid)]), /SCHED_FIFO[\s\S]*priority: 50/)
  } finally {
    await stop(child)
  }
})

test('listListeners() finds a server inside a namespace, and not from outside', async () => {
  const server = start(
    process.execPath,
    ['-e', "require('net').createServer().listen(4242, () => console.log('up'))"],
    {
      netns,
    },
  )
  try {
    await new Promise((resolve) => server.stdout?.once('data', resolve))
    const inside = listListeners(netns).filter(({ port }) => port === 4242)
    assert.deepEqual(inside, [{ protocol: 'tcp', address: '*', port: 4242 }])
    assert.deepEqual(
      listListeners(null).filter(({ port }) => port === 4242),
      [],
    )
  } finally {
    await stop(server)
  }
})

test('mountBpffs() mounts once', () => {
  const path = mkdtempSync(join(tmpdir(), 'seawall-bpffs-'))
  try {
    assert.equal(isBpffs(path), false)
    assert.equal(mountBpffs(path), true)
    assert.equal(isBpffs(path), true)
    assert.equal(mountBpffs(path), false)
  } finally {
    command('umount', [path])
    rmdirSync(path)
  }
})
