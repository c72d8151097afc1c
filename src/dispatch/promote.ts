import { SeawallError } from '../entry/errors.ts'
import { openSockets, setWorking, workingAt } from './destinations.ts'
import { type Destination, type Directory, type Generation, writeDirectory } from './directory.ts'
import { destinationsOf, labelIn, noteDrain, notePromotion, shareOf } from './generations.ts'
import type { LiveDispatch } from './live.ts'
import { unknownGeneration, workingOf } from './plan-generation.ts'
import type { PromoteResult } from './types.ts'

/** Which generation is to work: the newest that waits, the one that worked before, or that of a number. */
export type Promotion = 'newest' | 'previous' | number

/**
 * Has a generation get what is new. What others have stays with them.
 *
 * @throws SeawallError SEAWALL_INPUT if there is none, if it has no open socket, or lacks those of a kind that the one before has
 */
export function promote(live: LiveDispatch, label: string, promotion: Promotion): PromoteResult {
  const { directory } = live
  const before = workingOf(live, directory, label)
  const generation = choose(live, directory, label, promotion)
  const destinations = destinationsOf(directory, label)
  const ready = destinations.filter((one) => hasSockets(live, one, generation))
  if (ready.length === 0) throw notReady(label, generation, 'it has no open socket', 'at least one')
  for (const one of destinations) {
    if (ready.includes(one) || before === undefined || !hasSockets(live, one, before)) continue
    const kind = `${one.protocol} over IPv${one.family}`
    throw notReady(label, generation, `it has no socket for ${kind}`, `one, as generation ${before} has`)
  }
  writeDirectory(live.state, notePromotion(directory, label, generation, Date.now()))
  for (const one of ready) setWorking(live, one, generation)
  return { label, generation, ...(before === undefined ? {} : { before }) }
}

/**
 * Has a generation get nothing new any more.
 *
 * @throws SeawallError SEAWALL_INPUT if there is no such generation
 */
export function drain(live: LiveDispatch, label: string, generation: number): PromoteResult {
  const { directory } = live
  const found = labelIn(directory, label).generations.find(({ number }) => number === generation)
  if (found === undefined) throw unknownGeneration(directory, label, generation)
  writeDirectory(live.state, noteDrain(directory, label, generation, Date.now()))
  const working = destinationsOf(directory, label).filter((one) => workingAt(live, one) === generation)
  for (const one of working) setWorking(live, one)
  const now = workingOf(live, directory, label)
  return {
    label,
    ...(now === undefined ? {} : { generation: now }),
    ...(working.length === 0 ? {} : { before: generation }),
  }
}

function hasSockets(live: LiveDispatch, destination: Destination, generation: number): boolean {
  const share = shareOf(destination, generation)
  return share !== undefined && openSockets(live, share).length > 0
}

function choose(live: LiveDispatch, directory: Directory, label: string, promotion: Promotion): number {
  const { generations } = labelIn(directory, label)
  if (typeof promotion === 'number') {
    if (generations.some(({ number }) => number === promotion)) return promotion
    throw unknownGeneration(directory, label, promotion)
  }
  const found = promotion === 'newest' ? newest(generations) : previous(generations, workingOf(live, directory, label))
  if (found !== undefined) return found.number
  const [what, wanted] =
    promotion === 'newest'
      ? ['none waits', 'one that is registered: seawall register-pid … --generation new']
      : ['none worked before', 'one with open sockets: its server has ended']
  throw new SeawallError('SEAWALL_INPUT', `Cannot promote a generation of "${label}": ${what}, wanted ${wanted}`)
}

const newest = (generations: readonly Generation[]): Generation | undefined =>
  generations.findLast(({ promoted }) => promoted === undefined)

function previous(generations: readonly Generation[], working: number | undefined): Generation | undefined {
  const others = generations.filter(({ number, promoted }) => promoted !== undefined && number !== working)
  return others.sort((a, b) => b.promoted! - a.promoted!)[0]
}

function notReady(label: string, generation: number, why: string, wanted: string): SeawallError {
  return new SeawallError(
    'SEAWALL_INPUT',
    `Cannot promote generation ${generation} of "${label}": ${why}, wanted ${wanted} (register its sockets first, see seawall generations)`,
  )
}
