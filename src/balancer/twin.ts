import { type BpfMap, type Loaded, load } from '../bpf/index.ts'
import type { Paths } from '../entry/paths.ts'
import { balancer, Outcome } from '../generated/balancer.ts'
import { inNetns } from '../linux/netns.ts'
import { readFlowCount, readSum } from './flow-count.ts'
import { identify } from './identity.ts'
import type { LiveBalancer } from './live.ts'
import { programConfig } from './program-config.ts'

/** What the data plane does with a packet. */
export interface TwinRun {
  readonly outcome: keyof typeof Outcome
  /** Numbers; 0 if it is for no service, or sent to no backend. */
  readonly service: number
  readonly backend: number
}

/**
 * The program in force once more, on the tables in force, but with counters of its own: running it changes nothing that is live, and
 * tells what would become of a packet.
 */
export class Twin {
  readonly #loaded: Loaded<typeof balancer>
  readonly #paths: Paths
  readonly #numbers: { readonly services: readonly number[]; readonly backends: readonly number[] }

  private constructor(loaded: Loaded<typeof balancer>, paths: Paths, live: LiveBalancer) {
    this.#loaded = loaded
    this.#paths = paths
    const { services, backends } = live.manifest
    this.#numbers = { services: Object.values(services), backends: Object.values(backends) }
  }

  static async load(paths: Paths, live: LiveBalancer): Promise<Twin> {
    const reuse = {
      services: live.map('services'),
      backends: live.map('backends'),
      buckets: live.map('buckets'),
      serverIds: live.map('server_ids'),
    }
    const config = programConfig(live.desired, identify(paths, live.desired), {
      backends: live.manifest.backends,
      slots: reuse.services.maxEntries,
    })
    return new Twin(await load(balancer, { config, reuse }), paths, live)
  }

  run(data: Uint8Array): TwinRun {
    const { programs } = this.#loaded
    const before = this.#count()
    inNetns(this.#paths.netns, () => programs.balancer.testRun({ data }))
    const after = this.#count()
    const grown = (counts: readonly number[], now: readonly number[]) =>
      now.findIndex((count, at) => count > counts[at]!)
    const outcome = Object.keys(Outcome)[grown(before.outcomes, after.outcomes)] as keyof typeof Outcome
    const { services, backends } = this.#numbers
    return {
      outcome,
      service: services[grown(before.services, after.services)] ?? 0,
      backend: backends[grown(before.backends, after.backends)] ?? 0,
    }
  }

  #count() {
    const { outcomes, serviceCounts, backendCounts } = this.#loaded.maps
    const packets = (map: BpfMap) => (number: number) => readFlowCount(map, number).packets
    return {
      outcomes: Object.values(Outcome).map((index) => readSum(outcomes.map, index)),
      services: this.#numbers.services.map(packets(serviceCounts.map)),
      backends: this.#numbers.backends.map(packets(backendCounts.map)),
    }
  }

  close(): void {
    this.#loaded.close()
  }
}
