import { SeawallError } from '../entry/errors.ts'
import { processStart } from '../linux/process.ts'
import {
  type Destination,
  type Directory,
  type Generation,
  type Label,
  type ProcessName,
  type Share,
  SLOTS,
  type Telling,
} from './directory.ts'

/** What is known of a label's generations. */
export function labelIn({ labels }: Directory, label: string): Label {
  return labels.find((one) => one.label === label) ?? { label, last: 0, promotions: 0, generations: [] }
}

export const destinationsOf = ({ destinations }: Directory, label: string): readonly Destination[] =>
  destinations.filter((one) => one.label === label)

export const shareOf = ({ shares }: Destination, generation: number): Share | undefined =>
  shares.find((share) => share.generation === generation)

/** Numbers are never given again. */
export function beginGeneration(
  directory: Directory,
  label: string,
  now: number,
): { readonly directory: Directory; readonly generation: number } {
  const before = labelIn(directory, label)
  const generation = before.last + 1
  const generations = [...before.generations, { number: generation, since: now, processes: [] }]
  return { directory: withLabel(directory, { ...before, last: generation, generations }), generation }
}

/** Notes that a generation works from now on, in the place of the one that did. */
export function notePromotion(directory: Directory, label: string, generation: number, now: number): Directory {
  const before = labelIn(directory, label)
  const promotions = before.promotions + 1
  const generations = before.generations.map((one): Generation => {
    if (one.number !== generation) return replaced(one, now)
    const { replaced: _, told: __, ...rest } = one
    return { ...rest, promoted: promotions }
  })
  return withLabel(directory, { ...before, promotions, generations })
}

/** Notes that a generation gets nothing new any more. */
export function noteDrain(directory: Directory, label: string, generation: number, now: number): Directory {
  const before = labelIn(directory, label)
  const promotions = before.promotions + 1
  const after = withGeneration(before, generation, (one) => replaced({ promoted: promotions, ...one }, now))
  return withLabel(directory, { ...after, promotions })
}

const replaced = (one: Generation, now: number): Generation =>
  one.promoted === undefined || one.replaced !== undefined ? one : { ...one, replaced: now }

/** Notes what the processes of a generation are told. */
export function noteTelling(directory: Directory, label: string, generation: number, telling: Telling): Directory {
  const after = withGeneration(labelIn(directory, label), generation, (one) => {
    return { ...one, told: [...(one.told ?? []), telling] }
  })
  return withLabel(directory, after)
}

function withGeneration(label: Label, number: number, change: (one: Generation) => Generation): Label {
  return { ...label, generations: label.generations.map((one) => (one.number === number ? change(one) : one)) }
}

/**
 * Makes sure that a generation has a slot at a destination.
 *
 * @throws SeawallError SEAWALL_FULL
 */
export function withShare(directory: Directory, number: number, generation: number): Directory {
  const destination = directory.destinations.find((one) => one.number === number)!
  if (shareOf(destination, generation) !== undefined) return directory
  const taken = new Set(directory.destinations.flatMap(({ shares }) => shares.map(({ slot }) => slot)))
  if (taken.size === SLOTS - 1) throw full(destination)
  let slot = directory.lastSlot
  do slot = (slot % (SLOTS - 1)) + 1
  while (taken.has(slot))
  const shares = [...destination.shares, { generation, slot, sockets: [] }]
  return withDestination({ ...directory, lastSlot: slot }, { ...destination, shares })
}

export function withDestination(directory: Directory, destination: Destination): Directory {
  const destinations = directory.destinations.map((one) => (one.number === destination.number ? destination : one))
  return { ...directory, destinations }
}

/** In the place of what a share was. */
export function withSockets(destination: Destination, generation: number, sockets: Share['sockets']): Destination {
  const shares = destination.shares.map((share) => (share.generation === generation ? { ...share, sockets } : share))
  return { ...destination, shares }
}

/** Notes whose sockets a generation has. */
export function noteProcesses(
  directory: Directory,
  label: string,
  generation: number,
  pids: readonly (number | undefined)[],
): Directory {
  const after = withGeneration(labelIn(directory, label), generation, (one) => {
    const known = new Set(one.processes.map(({ pid }) => pid))
    const fresh = [...new Set(pids)].flatMap((pid) => (pid === undefined || known.has(pid) ? [] : nameProcess(pid)))
    return { ...one, processes: [...one.processes.filter(isAlive), ...fresh] }
  })
  return withLabel(directory, after)
}

function nameProcess(pid: number): ProcessName[] {
  const start = processStart(pid)
  return start === undefined ? [] : [{ pid, start }]
}

export const isAlive = ({ pid, start }: ProcessName): boolean => processStart(pid) === start

/** Without generations that have no share and no process any more, and without labels that have no destination. */
export function forgotten(directory: Directory): Directory {
  const labels = directory.labels.flatMap((one): Label[] => {
    const destinations = destinationsOf(directory, one.label)
    if (destinations.length === 0) return []
    const there = new Set(destinations.flatMap(({ shares }) => shares.map(({ generation }) => generation)))
    return [
      {
        ...one,
        generations: one.generations.filter(({ number, processes }) => there.has(number) || processes.some(isAlive)),
      },
    ]
  })
  return { ...directory, labels }
}

function withLabel(directory: Directory, label: Label): Directory {
  return { ...directory, labels: [...directory.labels.filter((one) => one.label !== label.label), label] }
}

function full({ label }: Destination): SeawallError {
  return new SeawallError(
    'SEAWALL_FULL',
    `Cannot begin a generation of "${label}": there are ${SLOTS - 1} of all labels together with sockets, wanted fewer (end servers that drain, see seawall generations)`,
  )
}
