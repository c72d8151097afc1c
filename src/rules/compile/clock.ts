import { type Assembler, Helper, r0 } from '../asm/index.ts'

/** How the kernel's jiffies and CLOCK_MONOTONIC are related. */
export interface ClockCalibration {
  /** Jiffies a second (CONFIG_HZ). */
  readonly hz: number
  /** What jiffies64 was, or would have been, at CLOCK_MONOTONIC 0. */
  readonly jiffiesAtZero: bigint
}

const SECOND = 1_000_000_000n

/** Where a program gets the time: jiffies cost nothing (the verifier inlines them), nanoseconds a call. */
export type TimeSource = 'jiffies' | 'nanoseconds'

/** Time for programs. Emitted code clobbers r0 to r5. */
export class Clock {
  readonly #calibration: ClockCalibration

  constructor(calibration: ClockCalibration) {
    this.#calibration = calibration
  }

  /** Nanoseconds a jiffy. */
  get tick(): number {
    return Math.round(Number(SECOND) / this.#calibration.hz)
  }

  /** The jiffy in which CLOCK_MONOTONIC reaches `ns`. */
  jiffiesAt(ns: bigint): bigint {
    return this.#calibration.jiffiesAtZero + (ns * BigInt(this.#calibration.hz)) / SECOND
  }

  emitJiffies(asm: Assembler): void {
    asm.call(Helper.jiffies64)
  }

  /** r0 = time in units of 2^-`fraction` nanoseconds (negative `fraction`: coarser than a nanosecond). */
  emitNow(asm: Assembler, source: TimeSource, fraction: number): void {
    if (source === 'jiffies') {
      asm.call(Helper.jiffies64)
      asm.alu('mul', r0, Math.round(this.tick * 2 ** fraction))
    } else {
      asm.call(Helper.ktimeGetNs)
      if (fraction > 0) asm.alu('lsh', r0, fraction)
      else asm.alu('rsh', r0, -fraction)
    }
  }
}
