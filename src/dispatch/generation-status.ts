import type { Paths } from '../entry/paths.ts'
import { countConnections, readProcessConnections } from './connections.ts'
import { openSockets } from './destinations.ts'
import type { Destination, Generation } from './directory.ts'
import { destinationsOf, isAlive, labelIn } from './generations.ts'
import { quicPlaceOf } from './group-program.ts'
import type { LiveDispatch } from './live.ts'
import { workingOf } from './plan-generation.ts'
import type { GenerationStatus, SteeredSocket } from './types.ts'
import { countFlows, flowsKey } from './udp-flows.ts'

/** A generation, without what it has to end. */
export interface ListedGeneration extends Omit<GenerationStatus, 'connections' | 'flows'> {
  readonly generation: Generation
  readonly destinations: readonly Destination[]
}

/** Generations by label and number: those that have open sockets, or processes that are there. */
export function listGenerations(live: LiveDispatch): ListedGeneration[] {
  const { directory } = live
  const labels = [...new Set(directory.destinations.map(({ label }) => label))].sort()
  return labels.flatMap((label) => {
    const destinations = destinationsOf(directory, label)
    const working = workingOf(live, directory, label)
    return labelIn(directory, label).generations.flatMap((generation): ListedGeneration[] => {
      const { number, since } = generation
      const sockets = destinations.flatMap((one) => socketsOf(live, one, number))
      const processes = generation.processes.filter(isAlive).map(({ pid }) => pid)
      if (sockets.length + processes.length === 0) return []
      const state = number === working ? 'works' : waits(generation, working) ? 'waits' : 'drains'
      return [{ label, number, state, since, sockets, processes, generation, destinations }]
    })
  })
}

/** With what each has to end. */
export async function generationStatus({ netns }: Paths, live: LiveDispatch): Promise<GenerationStatus[]> {
  const [flows, connections] = [await countFlows(live), readProcessConnections(netns)]
  return listGenerations(live).map(({ generation, destinations, ...one }) => {
    const bindings = live.manifest.bindings.filter(({ label }) => label === one.label)
    const ports = new Set(one.sockets.map(({ port }) => port))
    return {
      ...one,
      connections: countConnections(connections, generation, bindings, ports),
      flows: destinations.reduce((sum, { number }) => sum + (flows.get(flowsKey(number, one.number)) ?? 0), 0),
    }
  })
}

function socketsOf(live: LiveDispatch, destination: Destination, generation: number): SteeredSocket[] {
  const { shares, protocol, family } = destination
  const own = shares.filter((share) => share.generation === generation)
  return own.flatMap((share) =>
    openSockets(live, share).map(({ place, ...socket }) => {
      const quic = quicPlaceOf(live, destination, generation, place)
      return { protocol, family, ...socket, ...(quic === undefined ? {} : { quic }) }
    }),
  )
}

function waits({ number, promoted }: Generation, working: number | undefined): boolean {
  return promoted === undefined && (working === undefined || number > working)
}
