import { type Label, r0, r1 } from '../asm/index.ts'
import type { SynSignature } from '../signatures/signature.ts'
import type { MatchContext } from './match-context.ts'
import { IP_HEADER } from './parse/payload.ts'
import { emitPayloadPointer } from './payload-pointer.ts'
import { type SignaturePart, type VersionedSignature, versionsOf } from './signature.ts'
import { SignatureHeaders } from './signature-headers.ts'
import { emitSynOptions } from './syn-options.ts'
import { emitSynWindow } from './syn-window.ts'

/** Some parts of a signature asked of a packet, in code of its own for each IP version. Uses r0 to r5. */
export function emitSignature(
  ctx: MatchContext,
  signature: SynSignature,
  parts: readonly SignaturePart[],
  hit: Label,
  miss: Label,
): void {
  const { asm } = ctx
  const [first, second] = versionsOf(signature)
  const other = asm.label('other version')
  if (second) {
    emitPayloadPointer(ctx, IP_HEADER, 20, miss)
    asm.load('u8', r0, r1, 0)
    asm.alu('rsh', r0, 4)
    asm.jumpIf(r0, '==', second.version, other)
  }
  emitParts(ctx, first!, parts, hit, miss)
  asm.bind(other)
  if (second) emitParts(ctx, second, parts, hit, miss)
}

function emitParts(
  ctx: MatchContext,
  signature: VersionedSignature,
  parts: readonly SignaturePart[],
  hit: Label,
  miss: Label,
): void {
  if (parts.includes('headers')) new SignatureHeaders(ctx, signature, miss).emit()
  if (parts.includes('options')) emitSynOptions(ctx, signature, miss)
  if (parts.includes('window')) emitSynWindow(ctx, signature, miss)
  ctx.asm.jump(hit)
}
