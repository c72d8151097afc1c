import { setTimeout as sleep } from 'node:timers/promises'
import { BpfMap, Program } from '../bpf/index.ts'
import { Assembler, Helper, r0, r1, r6, r7 } from '../rules/asm/index.ts'
import type { ClockCalibration } from '../rules/compile/clock.ts'

/** Values of CONFIG_HZ that kernels are built with. */
const RATES = [100, 250, 300, 1000]

/** A moment at which jiffies64 had just been raised. */
export interface Tick {
  readonly jiffies: bigint
  /** CLOCK_MONOTONIC, nanoseconds. */
  readonly ns: bigint
}

/** Test runs of one reading: enough to see a tick go by at 100 Hz. */
const REPEAT = 500_000

/** Milliseconds between the two readings. Ticks are seen to the microsecond, so that a few of them tell the rate. */
const APART = 50

/** Layout of the clock program's map: the jiffy seen last, then the tick at which it changed. */
const LAST = 0
const JIFFIES = 8
const NS = 16

let known: Promise<ClockCalibration> | undefined

/** How jiffies and CLOCK_MONOTONIC run on this kernel; measured once a process. */
export function calibrateClock(): Promise<ClockCalibration> {
  known ??= measure().catch((error: unknown) => {
    known = undefined
    throw error
  })
  return known
}

async function measure(): Promise<ClockCalibration> {
  const first = await readTick()
  await sleep(APART)
  return calibration(first, await readTick())
}

/** Works the rate out of two ticks. */
export function calibration(first: Tick, second: Tick): ClockCalibration {
  const measured = (Number(second.jiffies - first.jiffies) * 1e9) / Number(second.ns - first.ns)
  const hz = RATES.reduce((best, rate) => (Math.abs(rate - measured) < Math.abs(best - measured) ? rate : best))
  if (Math.abs(hz - measured) > hz / 10) {
    throw new Error(
      `Cannot tell how fast jiffies run: measured ${measured.toFixed(1)} Hz, wanted one of ${RATES.join(', ')}`,
    )
  }
  return { hz, jiffiesAtZero: second.jiffies - (second.ns * BigInt(hz)) / 1_000_000_000n }
}

async function readTick(): Promise<Tick> {
  const map = BpfMap.create({ kind: 'array', name: 'clock', keySize: 4, valueSize: 24, maxEntries: 1 })
  try {
    const program = await Program.load({
      type: 'xdp',
      name: 'clock',
      instructions: assembleClock(map.fd),
      license: 'Dual BSD/GPL',
    })
    try {
      program.testRun({ data: new Uint8Array(64), repeat: REPEAT })
    } finally {
      program.close()
    }
    const value = map.getRaw(new Uint8Array(4))!
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength)
    return { jiffies: view.getBigUint64(JIFFIES, true), ns: view.getBigUint64(NS, true) }
  } finally {
    map.close()
  }
}

/** Writes down jiffies64 and the time whenever jiffies64 is not what it was at the run before. */
function assembleClock(fd: number): Uint8Array {
  const program = new Assembler()
  const end = program.label('end')
  program.loadMapValue(r6, 'clock')
  program.call(Helper.jiffies64)
  program.mov(r7, r0)
  program.load('u64', r1, r6, LAST)
  program.jumpIf(r1, '==', r7, end)
  program.store('u64', r6, LAST, r7)
  program.store('u64', r6, JIFFIES, r7)
  program.call(Helper.ktimeGetNs)
  program.store('u64', r6, NS, r0)
  program.bind(end)
  program.mov(r0, 2)
  program.exit()
  return program.assemble(() => fd)
}
