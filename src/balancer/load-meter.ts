import { CpuUse } from '../linux/cpu-use.ts'
import type { Walk } from './busy.ts'
import type { Load } from './fleet/messages.ts'

/** Rounds over which the use of processors is measured: of a single one it is mostly chance. */
const ROUNDS = 10

/** How hard this machine works, once a round. */
export class LoadMeter {
  readonly #cpu = new CpuUse(ROUNDS)

  measure({ connections, acceptQueue }: Walk): Load {
    const cpu = this.#cpu.measure()
    return { connections, acceptQueue, ...(cpu === undefined ? {} : { cpu }) }
  }
}
