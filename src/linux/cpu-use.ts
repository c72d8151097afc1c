import { readFileSync } from 'node:fs'

/** Time that the processors have spent, all together, in ticks since the machine was started. */
export interface CpuTime {
  readonly total: number
  /** Of it: nothing to do, or only input and output to wait for. */
  readonly idle: number
}

/** Reads `/proc/stat` (proc(5)). What a hypervisor gave to others is time in which this machine could not work: it counts as used. */
export function parseCpuTime(text: string): CpuTime {
  const [, user, nice, system, idle, ioWait, irq, softIrq, steal] = text.split(/\s+/, 9).map(Number)
  const resting = idle! + ioWait!
  return { total: user! + nice! + system! + resting + irq! + softIrq! + steal!, idle: resting }
}

const readCpuTime = (): CpuTime => parseCpuTime(readFileSync('/proc/stat', 'utf8'))

/** How busy the processors were between so many times that somebody asked. */
export class CpuUse {
  readonly #span: number
  readonly #read: () => CpuTime
  readonly #times: CpuTime[]

  /** @param span so many times; the longer, the less does a moment count. */
  constructor(span: number, read = readCpuTime) {
    this.#span = span
    this.#read = read
    this.#times = [read()]
  }

  /** Share of all processors' time that was used, 0 to 1; undefined before it was asked for that often, or if no time has passed. */
  measure(): number | undefined {
    const now = this.#read()
    this.#times.push(now)
    if (this.#times.length <= this.#span) return undefined
    const then = this.#times.shift()!
    const total = now.total - then.total
    // Time spent waiting for input and output may be corrected backwards.
    return total > 0 ? Math.min(1, Math.max(0, 1 - (now.idle - then.idle) / total)) : undefined
  }
}
