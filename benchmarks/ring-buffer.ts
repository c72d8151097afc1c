// Nanoseconds of the reader for each record of a ring buffer, beside libbpf's own reader with a callback.
import { BpfMap, Program, RingBuffer } from '../src/bpf/index.ts'
import { Assembler, fp, r0, r1, r2, r3, r4 } from '../src/rules/asm/index.ts'
import type { Bench, BenchRun } from './harness/bench.ts'
import { MEASURED_CPU, onCpu } from './harness/on-cpu.ts'
import { judge, type Result } from './harness/result.ts'
import { type Timing, timingOf } from './harness/timing.ts'
import { LibbpfRing } from './rivals/libbpf-ring.ts'

/** `bpf_ringbuf_output` of linux/bpf.h. */
const RINGBUF_OUTPUT = 130
const XDP_DROP = 1

/** Bytes of a ring: small enough to stay in the cache, as it does for a reader that keeps up. */
const RING_BYTES = 1 << 18
const HEADER = 8
const PACKET = new Uint8Array(64)

/** Nanoseconds a record, without decoding it. */
const TARGET = 30

const PLAIN = 'not decoded'

interface Reading {
  readonly what: string
  readonly decodes: boolean
  readonly value: Timing
}

export const bench: Bench = async function* (run: BenchRun): AsyncGenerator<Result> {
  for (const size of [16, 128]) {
    using map = BpfMap.create({ kind: 'ringbuf', name: 'ring', keySize: 0, valueSize: 0, maxEntries: RING_BYTES })
    using program = await loadWriter(map, size)
    const records = Math.floor((RING_BYTES - 1) / (size + HEADER))
    const rival = ofLibbpf(map, program, records, run)
    const results = ofSeawall(map, program, records, run)
    for (const { what, value, decodes } of results) {
      yield judge({
        bench: 'ring-buffer',
        case: `records of ${size} bytes, ${what}`,
        keys: 'random',
        value,
        unit: 'ns/record',
        rivals: { 'libbpf by callback': rival },
        target: decodes ? null : TARGET,
      })
    }
  }
}

function ofSeawall(map: BpfMap, program: Program, records: number, run: BenchRun): Reading[] {
  using ring = RingBuffer.open(map)
  let sum = 0
  const readers = {
    [PLAIN]: () => ring.consume(() => {}),
    'one word read': () => {
      return ring.consume((view, at) => {
        sum += view.getUint32(at, true)
      })
    },
  }
  const results = Object.entries(readers).map(([what, read]) => ({
    what,
    decodes: what !== PLAIN,
    value: measure(program, records, run, read),
  }))
  if (sum === 0) throw new Error('Cannot measure: the words of the records are 0')
  return results
}

function ofLibbpf(map: BpfMap, program: Program, records: number, run: BenchRun): Timing {
  const ring = new LibbpfRing(map.fd)
  try {
    return measure(program, records, run, () => ring.consume())
  } finally {
    ring.close()
  }
}

/** Fills the ring and reads it empty, again and again. */
function measure(program: Program, records: number, run: BenchRun, read: () => number): Timing {
  const once = (): number => {
    program.testRun({ data: PACKET, repeat: records })
    const start = process.hrtime.bigint()
    const count = read()
    const time = process.hrtime.bigint() - start
    if (count !== records) throw new Error(`Cannot measure: ${count} records were read of ${records}`)
    return Number(time) / count
  }
  return onCpu(MEASURED_CPU, () => {
    for (let warm = 0; warm < (run.smoke ? 1 : 20); warm++) once()
    return timingOf(Array.from({ length: run.runs }, once).map((ns) => Math.round(ns * 10) / 10))
  })
}

function loadWriter(ring: BpfMap, size: number): Promise<Program> {
  const program = new Assembler()
  for (let at = 0; at < size; at += 8) program.storeStack('u64', at - size, 7)
  program.loadMap(r1, 'ring')
  program.mov(r2, fp)
  program.alu('add', r2, -size)
  program.mov(r3, size)
  program.mov(r4, 0)
  program.call(RINGBUF_OUTPUT)
  program.mov(r0, XDP_DROP)
  program.exit()
  const instructions = program.assemble(() => ring.fd)
  return Program.load({ type: 'xdp', name: 'writer', instructions, license: 'GPL' })
}
