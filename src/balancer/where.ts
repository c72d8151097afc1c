import type { Paths } from '../entry/paths.ts'
import { formatEndpoint } from '../net/address.ts'
import { dissect, PROTOCOL } from '../net/dissect.ts'
import { FlowHash } from './hash.ts'
import type { LiveBalancer } from './live.ts'
import { namesOf } from './numbering.ts'
import { flowOf } from './packet-flow.ts'
import { Twin, type TwinRun } from './twin.ts'
import type { Where } from './types.ts'

/** What becomes of a packet, in words, by its outcome; outcomes that are no drop. */
const REASONS: Partial<Record<TwinRun['outcome'], string>> = {
  NotService: 'it is for no service: this machine',
  Local: 'its bucket is owned by this machine',
  Forwarded: 'its bucket is owned by another machine',
  QuicForwarded: 'its QUIC connection id names the server',
  QuicLocal: 'its QUIC connection id names this machine',
  Decapsulated: 'it is encapsulated, and its bucket is owned by this machine',
  LastHop: 'it is encapsulated for the last time: this machine has it in any case',
  Socket: 'its bucket is in transition, and this machine has its socket',
  New: 'its bucket is in transition, and it begins a connection',
  Cookie: 'its bucket is in transition, and it answers a SYN cookie of this machine',
  Previous: 'its bucket is in transition, and this machine does not know its flow',
  TooBig: 'it is too big for the way to its server: its sender is told',
}

/** Runs packets through the data plane on the tables in force, and says what it did and why. */
export async function whereAre(paths: Paths, live: LiveBalancer, packets: readonly Uint8Array[]): Promise<Where[]> {
  const twin = await Twin.load(paths, live)
  try {
    return packets.map((packet) => describe(live, packet, twin.run(packet)))
  } finally {
    twin.close()
  }
}

function describe(live: LiveBalancer, packet: Uint8Array, { outcome, service, backend }: TwinRun): Where {
  const { manifest } = live
  const id = namesOf(manifest.services).get(service)
  const owner = namesOf(manifest.backends).get(backend)
  const here = outcome === 'NotService' || backend === 0 ? manifest.self : owner
  const reason = REASONS[outcome]
  return {
    packet: summary(packet),
    ...(id === undefined ? {} : { service: id, ...bucketOf(live, id, packet) }),
    ...(here === undefined || reason === undefined ? {} : { backend: here }),
    why:
      reason ??
      `it is dropped: ${outcome === 'NoRoute' ? `no route to ${owner}, or no link address` : wordsOf(outcome)}`,
  }
}

/** `bad ip length` of `BadIpLength` */
const wordsOf = (name: string): string => name.replaceAll(/(?!^)[A-Z]/g, ' $&').toLowerCase()

/** Its bucket, and who owned that before; of fragments and errors it is not told. */
function bucketOf(live: LiveBalancer, service: string, packet: Uint8Array): Pick<Where, 'bucket' | 'previous'> {
  const flow = flowOf(dissect(packet))
  if (flow === undefined) return {}
  const { manifest, desired } = live
  const bucket = new FlowHash(desired.key).bucketOf(flow, desired.buckets)
  const pool = manifest.pools.findIndex(({ services }) => services.includes(service))
  const previous = namesOf(manifest.backends).get(live.rows(pool)[bucket * 2 + 1]!)
  return { bucket, ...(previous === undefined ? {} : { previous }) }
}

function summary(packet: Uint8Array): string {
  const flow = flowOf(dissect(packet))
  if (flow === undefined) return `${packet.length} bytes`
  const { source, sourcePort, destination, destinationPort, protocol } = flow
  const name = protocol === PROTOCOL.tcp ? 'tcp' : 'udp'
  return `${name} ${formatEndpoint(source, sourcePort)} → ${formatEndpoint(destination, destinationPort)}`
}
