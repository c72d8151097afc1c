import { type BpfMap, kernelFeatures, type Loaded, load, requireFeature } from '../../bpf/index.ts'
import type { DesiredInterface } from '../../entry/interface-config.ts'
import type { Paths } from '../../entry/paths.ts'
import { type Config, syncookies } from '../../generated/syncookies.ts'
import type { ClockCalibration } from '../../rules/compile/index.ts'
import { assumeClosed } from './closings.ts'
import type { SynCookies } from './config.ts'
import { offerOf } from './offer.ts'

/** Seconds that cookies are sent after the last SYN that came too fast, and that a listener is taken for granted. */
const HOLD_S = 5
const LISTENER_S = 1

/** Seconds for which a closed connection is remembered: TIME_WAIT (include/net/tcp.h) and some. */
const CLOSING_S = 65

/** The alarm ends when SYNs come at less than this part of the rate that began it. */
const CALM = 2

/** Parts of a jiffy that a listener's clock counts in, and how far SYNs may be ahead of their rate, seconds. */
const PARTS = 65_536
const BURST_S = 0.25

export interface StageRequest extends SynCookies {
  readonly interfaces: readonly DesiredInterface[]
  readonly clock: ClockCalibration
  /** Keys the hash of destinations. */
  readonly secret: bigint
  /** Maps of this generation, or the one before. */
  readonly reuse: {
    readonly cookies?: BpfMap
    readonly destinations?: BpfMap
    readonly closings?: BpfMap
    readonly stages: BpfMap
    readonly handovers?: BpfMap
  }
  /** Packets are copied in a stage behind this one. */
  readonly copies: boolean
}

/**
 * Loads the program that answers SYNs, for what this namespace offers now.
 *
 * @throws UnsupportedError before Linux 6.0
 */
export async function loadStage(paths: Paths, request: StageRequest): Promise<Loaded<typeof syncookies>> {
  const { title, minimumKernel, present } = kernelFeatures['raw-syncookies']
  requireFeature(present(), title, minimumKernel)
  const { clock, secret, interfaces, copies, reuse } = request
  const config = { ...timing(request, clock), ...offerOf(paths, interfaces), secret, copies: copies ? 1 : 0 }
  const stage = await load(syncookies, { config, reuse })
  if (reuse.closings === undefined) assumeClosed(stage.maps.closings.map, clock)
  return stage
}

type Timing = Pick<
  Config,
  'interval' | 'calmInterval' | 'burst' | 'hold' | 'listenerFresh' | 'closingKept' | 'jiffiesAtZero' | 'msPerJiffy'
>

export function timing({ rate }: SynCookies, { hz, jiffiesAtZero }: ClockCalibration): Timing {
  const interval = rate === 0 ? 0 : Math.max(1, Math.round((hz * PARTS) / rate))
  return {
    interval: BigInt(interval),
    calmInterval: BigInt(interval * CALM),
    burst: BigInt(Math.max(Math.round(BURST_S * hz * PARTS), interval * CALM)),
    hold: BigInt(HOLD_S * hz),
    listenerFresh: BigInt(LISTENER_S * hz),
    closingKept: CLOSING_S * hz,
    jiffiesAtZero,
    msPerJiffy: BigInt(Math.round(1000 / hz)),
  }
}
