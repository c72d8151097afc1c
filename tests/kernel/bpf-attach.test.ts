import assert from 'node:assert/strict'
import { closeSync, mkdirSync, openSync, readFileSync, rmdirSync, unlinkSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { after, before, test } from 'node:test'
import { BpfMap, Link, Program, type ProgramDefinition } from '../../src/bpf/index.ts'
import { mountBpffs } from '../../src/linux/bpffs.ts'
import { command } from '../../src/linux/command.ts'
import { findInterface, ipBatch } from '../../src/linux/interface.ts'
import { createNetns, inNetns, netnsPath, removeNetns } from '../../src/linux/netns.ts'
import { lacking } from '../support/lacking.ts'
import { loadReturning, longInstructions, XDP_DROP, XDP_PASS } from './bpf-programs.ts'

const netns = `seawall-bpf-${process.pid}`
const pin = `/sys/fs/bpf/seawall-test-link-${process.pid}`

let ifindex = 0

before(() => {
  mountBpffs()
  createNetns(netns)
  ipBatch(netns, ['link add sea0 type veth peer name sea1', 'link set sea0 up', 'link set sea1 up'])
  ifindex = findInterface(netns, 'sea0').ifindex
})
after(() => removeNetns(netns))

/** What `ip link` says of XDP at the interface. */
function shown(): { readonly mode: number; readonly prog: { readonly id: number } } | undefined {
  return JSON.parse(command('ip', ['-n', netns, '-json', 'link', 'show', 'sea0']))[0].xdp
}

const attachXdp = (program: Program, mode: 'native' | 'generic' = 'native') =>
  inNetns(netns, () => program.attachXdp({ ifindex, mode }))

/** Two instructions that return a verdict of 2 or another. */
function load(definition: Partial<ProgramDefinition> & Pick<ProgramDefinition, 'type'>): Promise<Program> {
  return Program.load({ name: 'attached', instructions: longInstructions(0), license: 'GPL', ...definition })
}

test('Program.attachXdp() attaches in the mode that is asked for, until the link is closed', async () => {
  using program = await loadReturning('xdp', XDP_PASS)
  for (const [mode, number] of [
    ['native', 1],
    ['generic', 2],
  ] as const) {
    const link = attachXdp(program, mode)
    assert.deepEqual([shown()?.mode, shown()?.prog.id], [number, program.id])
    assert.deepEqual([link.info().programId, link.info().ifindex], [program.id, ifindex])
    link.close()
    link.close()
    assert.equal(shown(), undefined)
  }
})

test('Program.attachXdp() keeps the program attached when its own handle is closed', async () => {
  const program = await loadReturning('xdp', XDP_PASS)
  const { id } = program
  using _link = attachXdp(program)
  program.close()
  assert.equal(shown()?.prog.id, id)
})

test('Program.attachXdp() says that another program is there, or no interface', async () => {
  using program = await loadReturning('xdp', XDP_PASS)
  using _link = attachXdp(program)
  assert.throws(() => attachXdp(program), {
    code: 'BPF_REFUSED',
    errno: 'EBUSY',
    message: /interface \d+ in native mode/,
  })
  assert.throws(() => program.attachXdp({ ifindex: 1_000_000, mode: 'native' }), { code: 'BPF_REFUSED' })
})

test('Program.attachXdp() says that a driver has no native mode', async () => {
  using program = await loadReturning('xdp', XDP_PASS)
  assert.throws(() => inNetns(netns, () => program.attachXdp({ ifindex: 1, mode: 'native' })), {
    code: 'BPF_REFUSED',
    errno: 'ENOTSUP',
  })
})

test('Link.update() puts another program in place, of the same type only', async () => {
  using program = await loadReturning('xdp', XDP_PASS)
  using other = await loadReturning('xdp', XDP_DROP)
  using stranger = await loadReturning('sched_cls', 0)
  using link = attachXdp(program)
  link.update(other)
  assert.equal(shown()?.prog.id, other.id)
  assert.throws(() => link.update(stranger), { code: 'BPF_REFUSED', errno: 'EINVAL' })
})

test('Link.pin() keeps the attachment when all handles are closed, and Link.openPinned() finds it', async () => {
  using program = await loadReturning('xdp', XDP_PASS)
  const link = attachXdp(program)
  link.pin(pin)
  link.close()
  try {
    assert.equal(shown()?.prog.id, program.id)
    using again = Link.openPinned(pin)
    assert.equal(again.info().programId, program.id)
    again.detach()
    assert.equal(again.info().ifindex, 0)
    assert.equal(shown(), undefined)
  } finally {
    unlinkSync(pin)
  }
})

test('Link outlives its interface', async () => {
  using program = await loadReturning('xdp', XDP_PASS)
  ipBatch(netns, ['link add gone0 type veth peer name gone1'])
  const gone = findInterface(netns, 'gone0')
  using link = inNetns(netns, () => program.attachXdp({ ifindex: gone.ifindex, mode: 'native' }))
  ipBatch(netns, ['link delete gone0'])
  assert.equal(link.info().ifindex, 0)
  link.close()
})

test('Program.attachTcx() attaches to either direction of an interface', {
  skip: await lacking('tcx-links'),
}, async () => {
  using program = await loadReturning('sched_cls', 0)
  for (const direction of ['ingress', 'egress'] as const) {
    using link = inNetns(netns, () => program.attachTcx({ ifindex, direction }))
    assert.deepEqual([link.info().programId, link.info().ifindex], [program.id, ifindex])
  }
  assert.throws(() => program.attachTcx({ ifindex: 1_000_000, direction: 'ingress' }), { errno: 'ENODEV' })
})

test('Program.attachSkLookup() attaches to a namespace', async () => {
  // 1 lets the lookup go on.
  const instructions = Uint8Array.of(0xb7, 0, 0, 0, 1, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0)
  using program = await load({ type: 'sk_lookup', expectedAttachType: 'sk_lookup', instructions })
  const file = openSync(netnsPath(netns), 'r')
  try {
    using link = program.attachSkLookup(file)
    assert.equal(link.info().programId, program.id)
  } finally {
    closeSync(file)
  }
})

test('Program.attachCgroup() attaches to a control group', async () => {
  const mount = /^cgroup2 (\S+) /m.exec(readFileSync('/proc/mounts', 'utf8'))
  assert.ok(mount, 'there is no cgroup2')
  const group = `${mount[1]}/seawall-test-${process.pid}`
  mkdirSync(group)
  const folder = openSync(group, 'r')
  try {
    const instructions = Uint8Array.of(0xb7, 0, 0, 0, 1, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0)
    using program = await load({ type: 'sock_ops', expectedAttachType: 'cgroup_sock_ops', instructions })
    using link = program.attachCgroup(folder, 'cgroup_sock_ops')
    assert.equal(link.info().programId, program.id)
  } finally {
    closeSync(folder)
    rmdirSync(group)
  }
})

test('Program.attachRawTracepoint() attaches to a tracepoint, and names one that is not there', async () => {
  using program = await loadReturning('raw_tracepoint', 0)
  using link = program.attachRawTracepoint('netif_receive_skb')
  assert.equal(link.info().programId, program.id)
  assert.throws(() => program.attachRawTracepoint('no_such_point'), { errno: 'ENOENT', message: /"no_such_point"/ })
})

test('Program.attachSocketMap() stays until it is closed, also when program and map are closed first', async () => {
  const program = await load({ type: 'sk_skb', expectedAttachType: 'sk_skb_verdict' })
  const sockets = BpfMap.create({ kind: 'sockmap', name: 'sockets', keySize: 4, valueSize: 4, maxEntries: 4 })
  const attachment = program.attachSocketMap(sockets, 'sk_skb_verdict')
  assert.throws(() => program.attachSocketMap(sockets, 'xdp'), { code: 'BPF_REFUSED' })
  program.close()
  sockets.close()
  attachment.close()
  attachment.close()
})

test('Program.attachSocket() filters what a socket receives', async () => {
  using program = await loadReturning('socket_filter', 0)
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  try {
    const attachment = program.attachSocket(descriptorOf(server))
    attachment.close()
    attachment.close()
  } finally {
    server.close()
  }
  assert.throws(() => program.attachSocket(-1), { code: 'BPF_REFUSED', errno: 'EBADF' })
})

/** Node has no public way to a socket's descriptor. */
function descriptorOf(server: Server): number {
  return (server as Server & { readonly _handle: { readonly fd: number } })._handle.fd
}
