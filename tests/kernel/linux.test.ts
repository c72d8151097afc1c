import assert from 'node:assert/strict'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
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
import { ended, makeRealtime, pinToCpu, start, stop, threadCpuTime } from '../../src/linux/process.ts'
import { listListeners } from '../../src/linux/sockets.ts'

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
