import { hasSmallIndex, indexedEnd, neededBytes, neededFromIndex, predecessors, setsIndex } from './bounds.ts'
import type { ClassicProgram } from './operation.ts'

/** What has to be known of a packet's length before an instruction, and was not known on every way there. */
export interface Guard {
  /** Bytes that the packet must have, 0 if nothing is to be looked at. */
  readonly bytes: number
  /** The same for bytes from X on. */
  readonly fromIndex: number
  /** Of an indirect load: whether that covers it. */
  readonly covered: boolean
}

/** The guard of each instruction; undefined for those that nothing reaches, or behind which nothing but 0 is returned. */
export function planGuards(program: ClassicProgram, limit: number): readonly (Guard | undefined)[] {
  const needed = neededBytes(program, limit)
  const neededFrom = neededFromIndex(program, limit)
  const small = hasSmallIndex(program)
  const before = predecessors(program)
  const known: Known[] = []
  return program.map((operation, place) => {
    const ways = before[place]!.flatMap((from) => known[from] ?? [])
    if (needed[place] === Number.POSITIVE_INFINITY || (place > 0 && ways.length === 0)) return undefined
    const bytes = raise(
      needed[place]!,
      ways.map((way) => way.bytes),
    )
    const fromIndex = raise(
      small[place] ? neededFrom[place]! : 0,
      ways.map((way) => way.fromIndex),
    )
    known[place] = { bytes: bytes.now, fromIndex: setsIndex(operation) ? 0 : fromIndex.now }
    return {
      bytes: bytes.raised,
      fromIndex: fromIndex.raised,
      covered: small[place]! && indexedEnd(operation, limit) > 0,
    }
  })
}

/** Bytes that a packet is known to have behind an instruction: in all, and from X on. */
interface Known {
  readonly bytes: number
  readonly fromIndex: number
}

/** What is known after a look, and what there is to look at: nothing, if as much is known whichever way it was reached. */
function raise(needed: number, ways: readonly number[]): { readonly now: number; readonly raised: number } {
  const known = ways.length === 0 ? 0 : Math.min(...ways)
  return needed > known ? { now: needed, raised: needed } : { now: known, raised: 0 }
}
