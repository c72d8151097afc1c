import type { Label } from '../asm/index.ts'
import type { MatchContext } from './match-context.ts'
import type { SignaturePart, VersionedSignature } from './signature.ts'
import { SignatureHeaders } from './signature-headers.ts'
import { emitSynOptions } from './syn-options.ts'
import { emitSynWindow } from './syn-window.ts'

/** Some parts of a signature asked of a packet. Uses r0 to r5. */
export function emitSignature(
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
