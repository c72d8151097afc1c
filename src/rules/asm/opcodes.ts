/** Instruction encoding of eBPF (Linux Documentation/bpf/standardization/instruction-set.rst, RFC 9669). */

export const Class = {
  ld: 0x00,
  ldx: 0x01,
  st: 0x02,
  stx: 0x03,
  alu: 0x04,
  jmp: 0x05,
  jmp32: 0x06,
  alu64: 0x07,
} as const

/** Operand from the register (instead of the immediate). */
export const SOURCE_REGISTER = 0x08

export const Alu = {
  add: 0x00,
  sub: 0x10,
  mul: 0x20,
  div: 0x30,
  or: 0x40,
  and: 0x50,
  lsh: 0x60,
  rsh: 0x70,
  neg: 0x80,
  mod: 0x90,
  xor: 0xa0,
  mov: 0xb0,
  arsh: 0xc0,
  end: 0xd0,
} as const
export type AluOp = Exclude<keyof typeof Alu, 'end' | 'neg'>

export const Jump = {
  '==': 0x10,
  '>': 0x20,
  '>=': 0x30,
  '&': 0x40,
  '!=': 0x50,
  's>': 0x60,
  's>=': 0x70,
  '<': 0xa0,
  '<=': 0xb0,
  's<': 0xc0,
  's<=': 0xd0,
} as const
export type Condition = keyof typeof Jump
export const JUMP_ALWAYS = 0x05
export const CALL = 0x85
export const EXIT = 0x95

export const Size = { u8: 0x10, u16: 0x08, u32: 0x00, u64: 0x18 } as const
export type SizeName = keyof typeof Size
export const MODE_MEM = 0x60
export const MODE_ATOMIC = 0xc0
export const LD_IMM64 = 0x18

export const Atomic = { fetchAdd: 0x01, add: 0x00, exchange: 0xe1, compareExchange: 0xf1 } as const
export type AtomicOp = keyof typeof Atomic

/** `src` of a 64-bit load: what the immediate names. */
export const Pseudo = { none: 0, mapFd: 1, mapValue: 2 } as const
/** `src` of a call: a function of the same program instead of a helper. */
export const PSEUDO_CALL = 1

/** Helper numbers, from linux/bpf.h. */
export const Helper = {
  mapLookup: 1,
  mapUpdate: 2,
  ktimeGetNs: 5,
  tailCall: 12,
  redirect: 23,
  skbLoadBytes: 26,
  xdpAdjustTail: 65,
  skbLoadBytesRelative: 68,
  probeReadKernel: 113,
  jiffies64: 118,
  ringbufOutput: 130,
  ringbufReserve: 131,
  ringbufSubmit: 132,
  xdpLoadBytes: 189,
  xdpStoreBytes: 190,
} as const
