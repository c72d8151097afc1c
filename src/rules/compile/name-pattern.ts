import { type Label, r0, r1, r3, r4 } from '../asm/index.ts'
import { fields } from '../fields.ts'
import { encodeLabels, patternParts } from '../signatures/name-pattern.ts'
import { emitBytesAt } from './bytes.ts'
import { absentValue } from './classify.ts'
import type { MatchContext } from './match-context.ts'
import { LABELS_A_SLOT, labelStarts, QUESTION } from './parse/dns.ts'
import { emitPayloadPointer } from './payload-pointer.ts'
import { loadSlot } from './stack.ts'

const DNS_HEADER = 12
const COUNT = 'dns.count.labels'
const COUNT_BITS = fields[COUNT].type.bits

/** Slots that matching a pattern needs, beside the payload's, and what they hold in packets without a name. */
export function patternSlots(pattern: string): [slot: string, absent: number][] {
  const count = Math.ceil((patternParts(pattern).labels.length + 1) / LABELS_A_SLOT)
  const starts = Array.from({ length: count }, (_, i): [string, number] => [labelStarts(i), 0])
  return [[QUESTION, 0], [COUNT, absentValue(COUNT_BITS)], ...starts]
}

/** Whether the name asked for is one of the pattern's; see docs/rules.md. Labels are counted from the end. */
export function emitPattern(ctx: MatchContext, pattern: string, hit: Label, miss: Label): void {
  const { asm, stack } = ctx
  const { open, labels } = patternParts(pattern)
  loadSlot(asm, r1, stack.slot(QUESTION))
  asm.jumpIf(r1, '==', 0, miss)
  loadSlot(asm, r1, stack.slot(COUNT))
  asm.jumpIf(r1, open ? '<=' : '!=', labels.length, miss)
  for (const run of literalRuns(labels)) emitRun(ctx, run, miss)
  asm.jump(hit)
}

interface Run {
  /** Place of the first label from the end, 1 for the last. */
  readonly fromEnd: number
  readonly labels: readonly string[]
}

/** Labels that are not wildcards and follow each other. */
function literalRuns(labels: readonly (string | undefined)[]): Run[] {
  const runs: { fromEnd: number; labels: string[] }[] = []
  labels.forEach((label, i) => {
    if (label === undefined) return
    if (i === 0 || labels[i - 1] === undefined) runs.push({ fromEnd: labels.length - i, labels: [] })
    runs.at(-1)!.labels.push(label)
  })
  return runs
}

function emitRun(ctx: MatchContext, { fromEnd, labels }: Run, miss: Label): void {
  const { asm, stack } = ctx
  const bytes = encodeLabels(labels)
  emitPayloadPointer(ctx, 'udp.payload', DNS_HEADER, miss)
  loadSlot(asm, r4, stack.slot(labelStarts(Math.floor(fromEnd / LABELS_A_SLOT))))
  const shift = 8 * (fromEnd % LABELS_A_SLOT)
  if (shift > 0) asm.alu('rsh', r4, shift)
  asm.alu('and', r4, 0xff)
  asm.alu('add', r1, r4)
  asm.mov(r0, r1)
  asm.alu('add', r0, DNS_HEADER + bytes.length)
  asm.jumpIf(r0, '>', r3, miss)
  emitBytesAt(asm, r1, DNS_HEADER, bytes, miss, true)
}
