/** The parts of one instruction of eBPF (RFC 9669); what is not given is 0. */
export interface Instruction {
  readonly opcode: number
  /** Register that is written, 0 to 10. */
  readonly to?: number
  /** Register that is read, or for a load of a map what of it. */
  readonly from?: number
  readonly offset?: number
  /** 32 bits, signed. */
  readonly immediate?: number
}

/** One instruction as the kernel takes it, 8 bytes. */
export function instruction({ opcode, to = 0, from = 0, offset = 0, immediate = 0 }: Instruction): Uint8Array {
  const view = new DataView(new ArrayBuffer(8))
  view.setUint8(0, opcode)
  view.setUint8(1, (from << 4) | to)
  view.setInt16(2, offset, true)
  view.setInt32(4, immediate, true)
  return new Uint8Array(view.buffer)
}
