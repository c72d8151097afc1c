import { decode } from '../bpf/index.ts'
import { u32 } from '../entry/u32.ts'
import { DestinationCount, QuicCount } from '../generated/dispatch.ts'
import { countNoted } from './answers.ts'
import { bindingWords } from './binding.ts'
import { countsOf, earlierPin } from './build-set.ts'
import { openSockets, workingAt } from './destinations.ts'
import { type Destination, destinationKey, destinationOf } from './directory.ts'
import type { LiveDispatch } from './live.ts'
import { isSteered } from './quic-groups.ts'
import type { BindingStatus, DestinationStatus, DispatchStatus, QuicCounts } from './types.ts'

/** All bindings in force with what they have decided about. */
export function bindingStatus(live: LiveDispatch): BindingStatus[] {
  const { bindings, earlier } = live.manifest
  const names = Array.from({ length: earlier }, (_, number) => earlierPin(number))
  const counts = [...names, 'binding_counts'].flatMap((name) => countsOf(live.map(name)))
  return bindings.map(({ counter, dynamic, ...binding }) => ({
    ...bindingWords(binding),
    dynamic,
    count: counts.reduce((sum, one) => sum + Number(one[counter] ?? 0n), 0),
  }))
}

export function dispatchStatus(live: LiveDispatch): DispatchStatus {
  return { bindings: live.manifest.bindings.length, destinations: destinationStatus(live) }
}

/** Destinations by label, protocol and family. */
export function destinationStatus(live: LiveDispatch): DestinationStatus[] {
  const bindings = new Map<string, number>()
  for (const binding of live.manifest.bindings) {
    const key = destinationKey(destinationOf(binding))
    bindings.set(key, (bindings.get(key) ?? 0) + 1)
  }
  const { destinations } = live.directory
  const noted = countNoted(live.state, destinations)
  return destinations
    .map((one) => ({
      ...describe(live, one, bindings.get(destinationKey(one)) ?? 0),
      noted: noted.get(one.number) ?? 0,
    }))
    .sort((a, b) => compare(a.label, b.label) || compare(a.protocol, b.protocol) || a.family - b.family)
}

function describe(live: LiveDispatch, destination: Destination, bindings: number): Omit<DestinationStatus, 'noted'> {
  const { label, protocol, family, number } = destination
  const generation = workingAt(live, destination)
  const sockets = destination.shares.flatMap((share) =>
    openSockets(live, share).map(({ place: _, ...socket }) => ({ generation: share.generation, ...socket })),
  )
  const counts = live.lasting('destination_counts').getPerCpu(u32(number)) ?? []
  const sum = { dispatched: 0, kept: 0, missing: 0, unusable: 0 }
  for (const raw of counts) {
    const count = decode(DestinationCount, raw)
    sum.dispatched += Number(count.dispatched)
    sum.kept += Number(count.kept)
    sum.missing += Number(count.missing)
    sum.unusable += Number(count.unusable)
  }
  const quic = quicCounts(live, number)
  return {
    ...{ label, protocol, family, bindings },
    ...(generation === undefined ? {} : { generation }),
    sockets,
    ...sum,
    ...(quic === undefined ? {} : { quic }),
  }
}

/** Undefined if it never went by connection ids. */
function quicCounts(live: LiveDispatch, number: number): QuicCounts | undefined {
  const sum = { named: 0, opening: 0, foreign: 0, forged: 0, closed: 0, malformed: 0 }
  for (const raw of live.lasting('quic_counts').getPerCpu(u32(number)) ?? []) {
    const count = decode(QuicCount, raw)
    for (const key of Object.keys(sum) as (keyof QuicCounts)[]) sum[key] += Number(count[key])
  }
  return isSteered(live, { number }) || Object.values(sum).some((count) => count > 0) ? sum : undefined
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
