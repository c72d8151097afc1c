import assert from 'node:assert/strict'
import { unlinkSync } from 'node:fs'
import { before, test } from 'node:test'
import { features, Program, requireFeature, UnsupportedError, VerifierError } from '../../src/bpf/index.ts'
import { mountBpffs } from '../../src/linux/bpffs.ts'
import { Assembler, r0, r1, r2 } from '../../src/rules/asm/index.ts'
import {
  createNumber,
  loadCounting,
  loadReturning,
  longInstructions,
  PACKET,
  readU64,
  u32,
  XDP_DROP,
  XDP_PASS,
} from './bpf-programs.ts'

const pin = `/sys/fs/bpf/seawall-test-program-${process.pid}`

/** `bpf_ktime_get_ns` and `bpf_xdp_adjust_tail`, by their numbers. */
const KTIME = 5
const ADJUST_TAIL = 65

before(() => mountBpffs())

test('Program.load() loads instructions, whose tag is the same each time', async () => {
  using first = await loadReturning('xdp', XDP_PASS, 'first.program-with-a-long-name')
  using second = await loadReturning('xdp', XDP_PASS, 'second')
  using other = await loadReturning('xdp', XDP_DROP, 'other')
  assert.equal(first.name, 'first.program_w')
  assert.match(first.tag, /^[0-9a-f]{16}$/)
  assert.equal(first.tag, second.tag)
  assert.notEqual(first.tag, other.tag)
  assert.notEqual(first.id, second.id)
  assert.equal(first.verifiedInstructions(), 2)
})

test('Program.load() tells what the verifier found wrong, in a line and in full', async () => {
  const program = new Assembler()
  program.load('u32', r2, r1, 0)
  program.load('u8', r0, r2, 0)
  program.exit()
  const instructions = program.assemble(() => 0)
  const loading = Program.load({ type: 'xdp', name: 'unchecked', instructions, license: 'GPL' })
  await assert.rejects(loading, (error) => {
    assert.ok(error instanceof VerifierError)
    assert.equal(error.code, 'BPF_VERIFIER')
    assert.equal(error.errno, 'EACCES')
    assert.equal(error.operation, 'load xdp program "unchecked"')
    assert.match(error.summary, /R2 .*packet.* at instruction 1: \(71\)/)
    assert.ok(error.message.includes(error.summary))
    assert.ok(error.log.some((line) => line.startsWith('processed 2 insns')))
    return true
  })
})

test('Program.load() tells refusals that are not the verifier’s from those that are', async () => {
  const instructions = longInstructions(1)
  await assert.rejects(Program.load({ type: 'sk_lookup', name: 'x', instructions, license: 'GPL' }), {
    name: 'BpfError',
    code: 'BPF_REFUSED',
    errno: 'EINVAL',
  })
  await assert.rejects(Program.load({ type: 'xdp', name: 'x', instructions: new Uint8Array(12), license: 'GPL' }), {
    code: 'BPF_SIZE',
  })
})

test('Program.testRun() gives verdict, packet and time', async () => {
  using program = await loadReturning('xdp', XDP_DROP)
  const data = Uint8Array.from({ length: 90 }, (_, index) => index)
  const { result, data: after, durationNs } = program.testRun({ data, repeat: 1000 })
  assert.equal(result, XDP_DROP)
  assert.deepEqual(after, data)
  assert.ok(Number.isInteger(durationNs))
})

test('Program.testRun() gives the whole packet when the program made it longer', async () => {
  const program = new Assembler()
  program.mov(r2, 1000)
  program.call(ADJUST_TAIL)
  program.mov(r0, XDP_PASS)
  program.exit()
  using grower = await Program.load({
    type: 'xdp',
    name: 'grow',
    instructions: program.assemble(() => 0),
    license: 'GPL',
  })
  assert.equal(grower.testRun({ data: PACKET }).data.length, PACKET.length + 1000)
})

test('Program.testRun() hands the program its context', async () => {
  const program = new Assembler()
  program.load('u32', r0, r1, 16)
  program.exit()
  using queue = await Program.load({
    type: 'xdp',
    name: 'queue',
    instructions: program.assemble(() => 0),
    license: 'GPL',
  })
  const context = new Uint8Array(24)
  new DataView(context.buffer).setUint32(4, PACKET.length, true)
  new DataView(context.buffer).setUint32(12, 1, true)
  assert.equal(queue.testRun({ data: PACKET, context }).result, 0)
  new DataView(context.buffer).setUint32(16, 9999, true)
  assert.throws(() => queue.testRun({ data: PACKET, context }), { code: 'BPF_REFUSED', errno: 'EINVAL' })
})

test('Program.testRun() says what packet it could not run', async () => {
  using program = await loadReturning('xdp', XDP_DROP)
  assert.throws(() => program.testRun({ data: new Uint8Array(13) }), { errno: 'EINVAL', message: /packet of 13 bytes/ })
})

test('Program.testRun() with live frames counts each of them', async () => {
  using map = createNumber()
  using program = await loadCounting(map)
  const { data } = program.testRun({ data: PACKET, repeat: 100, liveFrames: true, batchSize: 16 })
  assert.equal(data.length, 0)
  // A run that the kernel breaks off begins again.
  assert.ok(readU64(map.getRaw(u32(0))!) >= 100n)
})

test('Program.testRunAsync() lets the event loop go on', async () => {
  using map = createNumber()
  using program = await loadCounting(map)
  let turns = 0
  const interval = setInterval(() => turns++, 1)
  const { result } = await program.testRunAsync({ data: PACKET, repeat: 3_000_000 })
  clearInterval(interval)
  assert.equal(result, XDP_DROP)
  assert.ok(turns > 0)
})

test('Program.openPinned() opens what pin() made, also after the first handle is closed', async () => {
  const program = await loadReturning('xdp', XDP_DROP)
  const { id, tag } = program
  program.pin(pin)
  program.close()
  try {
    using again = Program.openPinned(pin)
    assert.deepEqual([again.id, again.tag], [id, tag])
    assert.equal(again.testRun({ data: PACKET }).result, XDP_DROP)
  } finally {
    unlinkSync(pin)
  }
  await gone(id)
})

/** The kernel frees a program a moment after its last handle is gone. */
async function gone(id: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    try {
      Program.openId(id).close()
    } catch {
      return
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.fail(`program ${id} is still there`)
}

test('features tell what this kernel can, and what it cannot', async () => {
  assert.equal(features.map('ringbuf'), true)
  assert.equal(features.program('xdp'), true)
  assert.equal(features.helper('xdp', KTIME), true)
  assert.equal(features.helper('xdp', 60_000), false)
  assert.equal(features.helper('socket_filter', ADJUST_TAIL), false)
  assert.equal(await features.liveFrames(), true)
  assert.equal(typeof (await features.tcx()), 'boolean')
})

test('requireFeature() refuses with the kernel that is wanted', () => {
  requireFeature(true, 'TCX links', '6.6')
  assert.throws(
    () => requireFeature(false, 'TCX links', '6.6'),
    (error) => {
      assert.ok(error instanceof UnsupportedError)
      assert.deepEqual([error.code, error.feature, error.minimumKernel], ['BPF_UNSUPPORTED', 'TCX links', '6.6'])
      return true
    },
  )
})
