import { type Register, r0, r1, r5, r7, r9 } from '../../asm/index.ts'
import type { ParseContext } from './context.ts'

/** Slots that say where a payload lies: its offset in the frame, and its length (0 when there is none). */
export const payloadAt = (field: string): string => `${field} at`
export const payloadLength = (field: string): string => `${field} length`

/** Headers whose places may be kept in the same way. */
export const IP_HEADER = 'ip.header'
export const TCP_HEADER = 'tcp.header'

/** Keep where the header at the cursor lies and that it has `length` bytes, if that is asked for. Uses r0 and `scratch`. */
export function emitHeaderPlace(ctx: ParseContext, header: string, length: Register | number, scratch: Register): void {
  if (!ctx.uses(payloadAt(header))) return
  const { asm } = ctx
  asm.mov(r0, r9)
  asm.alu('sub', r0, r7)
  ctx.save(payloadAt(header), r0)
  asm.mov(r0, length)
  ctx.forget(r0, scratch)
  ctx.save(payloadLength(header), r0)
}

const SLICE = /\[(\d+):(\d+)\]$/

/** Keep what rules need of the payload that begins at the cursor and has r5 bytes. Uses r0 and r1. */
export function emitPayload(ctx: ParseContext, field: 'tcp.payload' | 'udp.payload'): void {
  const { asm } = ctx
  if (ctx.uses(payloadAt(field))) {
    asm.mov(r0, r9)
    asm.alu('sub', r0, r7)
    ctx.save(payloadAt(field), r0)
    ctx.save(payloadLength(field), r5)
  }
  for (const slot of ctx.slots(`${field}[`)) {
    const [, offset, length] = SLICE.exec(slot)!
    emitSlice(ctx, slot, Number(offset), Number(length))
  }
}

function emitSlice(ctx: ParseContext, slot: string, offset: number, length: number): void {
  const { asm } = ctx
  const absent = asm.label('no slice')
  ctx.needInPacket(offset + length, absent)
  switch (length) {
    case 1:
      ctx.read(r0, 'u8', offset)
      break
    case 2:
      ctx.read(r0, 'u16', offset)
      break
    case 3:
      ctx.read(r0, 'u16', offset)
      asm.alu('lsh', r0, 8)
      ctx.read(r1, 'u8', offset + 2)
      asm.alu('or', r0, r1)
      break
    default:
      ctx.read(r0, 'u32', offset)
  }
  ctx.save(slot, r0)
  asm.bind(absent)
}
