import { readFileSync } from 'node:fs'
import { inNetns, type Netns } from '../linux/netns.ts'
import { parseAddress } from '../net/address.ts'
import { prefixContains } from '../net/prefix.ts'
import { poolKey } from './fleet/document.ts'
import type { BusyPool } from './fleet/messages.ts'
import { hashFlow } from './hash.ts'
import type { LiveBalancer } from './live.ts'

/** Rows in transition that this machine owned before, and of which it still has connections, by pool. */
export function findBusy(netns: Netns, live: LiveBalancer): BusyPool[] {
  const { manifest, desired } = live
  const self = manifest.self === undefined ? 0 : manifest.backends[manifest.self]!
  const flows = inNetns(netns, () => [
    ...readFlows('tcp', 6),
    ...readFlows('tcp6', 6),
    ...readFlows('udp', 17),
    ...readFlows('udp6', 17),
  ])
  return manifest.pools.map((pool, index) => {
    const rows = live.rows(index)
    const busy = new Set<number>()
    const services = desired.services.filter(({ id }) => pool.services.includes(id))
    for (const flow of flows) {
      if (!services.some(({ prefix }) => prefixContains(prefix, flow.destination))) continue
      const row = Number(hashFlow(flow, desired.key) & BigInt(desired.buckets - 1))
      if (rows[row * 2 + 1] === self) busy.add(row)
    }
    return { pool: poolKey(pool.backends), rows: Uint32Array.from([...busy].sort((a, b) => a - b)) }
  })
}

function* readFlows(table: string, protocol: number) {
  for (const line of readFileSync(`/proc/thread-self/net/${table}`, 'utf8').split('\n').slice(1)) {
    const [, local, remote, state] = line.trim().split(/\s+/)
    if (local === undefined || remote === undefined || state === '0A' || state === '06' || state === '07') continue
    const [to, from] = [endOf(local), endOf(remote)]
    yield { source: from.address, sourcePort: from.port, destination: to.address, destinationPort: to.port, protocol }
  }
}

function endOf(text: string) {
  const [hex = '', port = ''] = text.split(':')
  const bytes = Buffer.from(hex, 'hex').swap32()
  const text4 = bytes.subarray(-4).join('.')
  const isMapped = bytes.length === 16 && bytes.subarray(0, 12).toString('hex') === '00000000000000000000ffff'
  const address =
    bytes.length === 4 || isMapped
      ? parseAddress(text4)
      : { family: 6 as const, value: BigInt(`0x${bytes.toString('hex')}`) }
  return { address, port: Number.parseInt(port, 16) }
}
