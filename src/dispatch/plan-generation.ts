import { SeawallError } from '../entry/errors.ts'
import { processAncestors } from '../linux/process.ts'
import { openSockets, workingAt } from './destinations.ts'
import { type DestinationKey, type Directory, destinationKey, type Share } from './directory.ts'
import { beginGeneration, destinationsOf, isAlive, labelIn, notePromotion, shareOf } from './generations.ts'
import type { LiveDispatch } from './live.ts'
import type { CheckedSocket } from './register.ts'

/**
 * To which generation sockets go: to the one that works (the first one, if none does), to one of its own, to that of a number, or to the one of
 * their process (`run`). The latter is one of its own when the process is another one, which works at once if nobody else does.
 */
export type GenerationChoice = 'working' | 'new' | 'run' | number

/** One that is to be at a destination. */
export interface WantedSocket {
  readonly key: DestinationKey
  readonly socket: CheckedSocket
}

/** What is to be registered. */
export interface Wish {
  readonly label: string
  readonly wanted: readonly WantedSocket[]
  readonly choice: GenerationChoice
}

export interface Plan {
  readonly directory: Directory
  readonly generation: number
  /** Whether it gets what is new. */
  readonly works: boolean
}

/** @throws SeawallError SEAWALL_INPUT */
export function planGeneration(live: LiveDispatch, before: Directory, wish: Wish): Plan {
  const plan = choose(live, before, wish)
  refuseStrangers(live, before, wish, plan.generation)
  return plan
}

function choose(live: LiveDispatch, before: Directory, { label, wanted, choice }: Wish): Plan {
  if (choice === 'new') return { ...beginGeneration(before, label, Date.now()), works: false }
  const working = workingOf(live, before, label)
  if (choice === 'run') {
    const own = generationOfRun(live, before, label, wanted)
    if (own !== undefined) return { directory: before, generation: own, works: own === working }
    if (working !== undefined && isOpen(live, before, label, working))
      return { ...beginGeneration(before, label, Date.now()), works: false }
    return beginWorking(before, label)
  }
  if (typeof choice === 'number') {
    const found = labelIn(before, label).generations.find(({ number }) => number === choice)
    if (found === undefined) throw unknownGeneration(before, label, choice)
    if (choice !== working && found.promoted !== undefined) throw draining(label, choice)
    return { directory: before, generation: choice, works: choice === working }
  }
  return working === undefined ? beginWorking(before, label) : { directory: before, generation: working, works: true }
}

function beginWorking(before: Directory, label: string): Plan {
  const { directory, generation } = beginGeneration(before, label, Date.now())
  return { directory: notePromotion(directory, label, generation, Date.now()), generation, works: true }
}

/** That which has one of the sockets, or whose processes have started those that have them. */
function generationOfRun(
  live: LiveDispatch,
  directory: Directory,
  label: string,
  wanted: readonly WantedSocket[],
): number | undefined {
  for (const one of wanted) {
    const has = shareWith(live, directory, one)
    if (has !== undefined) return has.generation
  }
  const family = new Set(wanted.flatMap(({ socket: { pid } }) => (pid === undefined ? [] : processAncestors(pid))))
  const { generations } = labelIn(directory, label)
  return generations.findLast(({ processes }) => processes.some((one) => family.has(one.pid) && isAlive(one)))?.number
}

const isOpen = (live: LiveDispatch, directory: Directory, label: string, generation: number): boolean =>
  destinationsOf(directory, label).some((one) => {
    const share = shareOf(one, generation)
    return share !== undefined && openSockets(live, share).length > 0
  })

/** Where a socket is registered. */
function shareWith(live: LiveDispatch, { destinations }: Directory, { key, socket }: WantedSocket): Share | undefined {
  const shares = destinations.find((one) => destinationKey(one) === destinationKey(key))?.shares ?? []
  return shares.find((share) => openSockets(live, share).some(({ cookie }) => cookie === `${socket.facts.cookie}`))
}

/** The generation of a label that gets what is new; undefined if none does. */
export function workingOf(live: LiveDispatch, directory: Directory, label: string): number | undefined {
  const working = destinationsOf(directory, label).flatMap((one) => workingAt(live, one) ?? [])
  return working.length === 0 ? undefined : Math.max(...working)
}

/** A socket has one generation: its server runs once. */
function refuseStrangers(live: LiveDispatch, directory: Directory, { label, wanted }: Wish, into: number): void {
  for (const one of wanted) {
    const has = shareWith(live, directory, one)
    if (has === undefined || has.generation === into) continue
    throw new SeawallError(
      'SEAWALL_INPUT',
      `Cannot register descriptor ${one.socket.fd} for "${label}": generation ${has.generation} has this socket already, wanted one of no other generation (seawall promote ${label} ${has.generation}, or start the server anew)`,
    )
  }
}

export function unknownGeneration(directory: Directory, label: string, number: number): SeawallError {
  const there = labelIn(directory, label).generations.map((one) => one.number)
  return new SeawallError(
    'SEAWALL_INPUT',
    `Cannot find generation ${number} of "${label}": there ${there.length === 0 ? 'is none' : `are ${there.join(', ')}`} (see seawall generations)`,
  )
}

function draining(label: string, number: number): SeawallError {
  return new SeawallError(
    'SEAWALL_INPUT',
    `Cannot register sockets for generation ${number} of "${label}": it drains, wanted the one that works or one that waits (see seawall generations)`,
  )
}
