import { type Assembler, type Label, r0, r1, r2, r3 } from '../asm/index.ts'
import type { PrefixLengths } from '../ast.ts'
import { CONNECTION_ROW, CONNECTION_ROW_BYTES, keyMasks } from '../connections/index.ts'
import { emitMix } from './limits.ts'
import type { MatchContext } from './match-context.ts'
import type { Predicate } from './predicate.ts'
import { FAMILY, loadSlot } from './stack.ts'

const PREFIX = 'connections:'

/** The map of counts for prefixes of these lengths. */
export const connectionsSymbol = ({ bits4, bits6 }: PrefixLengths): string => `${PREFIX}${bits4}-${bits6}`

/** The lengths of prefixes that a map counts by; undefined if it is no map of counts. */
export function connectionLengths(symbol: string): PrefixLengths | undefined {
  const found = /^connections:(\d+)-(\d+)$/.exec(symbol)
  return found ? { bits4: Number(found[1]), bits6: Number(found[2]) } : undefined
}

const NEGATED = { '==': '!=', '!=': '==', '<': '>=', '>=': '<', '>': '<=', '<=': '>' } as const

/** Whether the connections of the source compare so. The counts are those of bpf/connections.bpf.c. Uses r0 to r3. */
export function emitConnections(
  ctx: MatchContext,
  test: Extract<Predicate, { kind: 'connections' }>,
  secret: bigint,
  hit: Label,
  miss: Label,
): void {
  const { asm, stack } = ctx
  const symbol = connectionsSymbol(test)
  emitHash(ctx, test, secret, miss)
  asm.mov(r3, r1)
  asm.alu('rsh', r3, 32)
  emitCell(asm, symbol, 0)
  asm.storeStack('u64', stack.slot(FIRST_CELL), r0)
  asm.mov(r1, r3)
  emitCell(asm, symbol, CONNECTION_ROW_BYTES)
  asm.loadStack('u64', r1, stack.slot(FIRST_CELL))
  const lesser = asm.label('lesser')
  asm.jumpIf(r0, '<=', r1, lesser)
  asm.mov(r0, r1)
  asm.bind(lesser)
  asm.jumpIf(r0, NEGATED[test.op], test.value, miss)
  asm.jump(hit)
}

const FIRST_CELL = 'connections of first cell'

/** r1 = hash of the source's prefix. */
function emitHash(ctx: MatchContext, lengths: PrefixLengths, secret: bigint, miss: Label): void {
  const { asm, stack } = ctx
  const { mask4, mask6High, mask6Low } = keyMasks(lengths)
  const [six, known] = [asm.label('IPv6'), asm.label('hashed')]
  const part = (slot: string | undefined, mask: bigint): void => {
    if (slot === undefined || mask === 0n) asm.mov(r2, 0)
    else {
      loadSlot(asm, r2, stack.slot(slot))
      asm.constant(r3, mask)
      asm.alu('and', r2, r3)
    }
    emitMix(asm)
  }
  const all = (high: bigint, low: [string, bigint] | undefined, family: number): void => {
    asm.constant(r1, secret)
    part('ip.src', high)
    part(low?.[0], low?.[1] ?? 0n)
    asm.mov(r2, family)
    emitMix(asm)
  }
  loadSlot(asm, r1, stack.slot(FAMILY))
  asm.jumpIf(r1, '==', 6, six)
  asm.jumpIf(r1, '!=', 4, miss)
  all(mask4, undefined, 4)
  asm.jump(known)
  asm.bind(six)
  all(mask6High, ['ip.src.low', mask6Low], 6)
  asm.bind(known)
}

/** r0 = the cell of the row at byte `row` that the low bits of r1 name. Uses r1 and r2. */
function emitCell(asm: Assembler, symbol: string, row: number): void {
  asm.alu('and', r1, CONNECTION_ROW - 1)
  asm.alu('lsh', r1, 2)
  asm.loadMapValue(r2, symbol, row)
  asm.alu('add', r2, r1)
  asm.load('u32', r0, r2, 0)
}
