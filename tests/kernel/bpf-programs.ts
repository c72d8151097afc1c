import { BpfMap, MapFlag, Program, type ProgramType } from '../../src/bpf/index.ts'
import { Assembler, fp, Helper, r0, r1, r2, r3, r4, r6 } from '../../src/rules/asm/index.ts'

export const XDP_DROP = 1
export const XDP_PASS = 2

/** `bpf_ringbuf_output` and `bpf_ringbuf_discard` of linux/bpf.h. */
const RINGBUF_OUTPUT = 130
const RINGBUF_DISCARD = 133

/** A test run wants an Ethernet header at least. */
export const PACKET = new Uint8Array(64)

export function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer)
}

export function u64(value: bigint): Uint8Array {
  return new Uint8Array(BigUint64Array.of(value).buffer)
}

export function readU64(bytes: Uint8Array, at = 0): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at, true)
}

/** A program that only returns a value. */
export function loadReturning(type: ProgramType, value: number, name = 'returns'): Promise<Program> {
  const program = new Assembler()
  program.mov(r0, value)
  program.exit()
  return Program.load({ type, name, instructions: program.assemble(() => 0), license: 'GPL' })
}

/** Adds 1 to the u64 under key 0 of a map, and returns XDP_DROP. */
export function loadCounting(map: BpfMap): Promise<Program> {
  const program = new Assembler()
  const end = program.label('end')
  program.storeStack('u32', -4, 0)
  program.mov(r2, fp)
  program.alu('add', r2, -4)
  program.loadMap(r1, 'map')
  program.call(Helper.mapLookup)
  program.jumpIf(r0, '==', 0, end)
  program.load('u64', r1, r0, 0)
  program.alu('add', r1, 1)
  program.store('u64', r0, 0, r1)
  program.bind(end)
  program.mov(r0, XDP_DROP)
  program.exit()
  return loadXdp('counting', program, map)
}

/**
 * Puts a record of `size` bytes, a multiple of 8, into a ring: a number that goes up from run to run, again and again. It does
 * nothing once the number is that behind it in the map, see {@link record}.
 */
export function loadRecording(ring: BpfMap, numbers: BpfMap, size: number): Promise<Program> {
  const program = new Assembler()
  const end = program.label('end')
  program.loadMapValue(r6, 'numbers')
  program.load('u64', r3, r6, 0)
  program.load('u64', r1, r6, 8)
  program.jumpIf(r3, '>=', r1, end)
  program.alu('add', r3, 1)
  program.store('u64', r6, 0, r3)
  for (let at = 0; at < size; at += 8) program.storeStack('u64', at - size, r3)
  program.loadMap(r1, 'ring')
  program.mov(r2, fp)
  program.alu('add', r2, -size)
  program.mov(r3, size)
  program.mov(r4, 0)
  program.call(RINGBUF_OUTPUT)
  program.bind(end)
  program.mov(r0, XDP_DROP)
  program.exit()
  return load('recording', program, (name) => (name === 'ring' ? ring : numbers).fd)
}

/** What {@link loadRecording} counts with: the last number, and the one to stop at. */
export function createNumbers(): BpfMap {
  const flags = MapFlag.mmapable
  return BpfMap.create({ kind: 'array', name: 'numbers', keySize: 4, valueSize: 16, maxEntries: 1, flags })
}

/** Makes a program of {@link loadRecording} put so many records, also if the kernel breaks a run off and begins it again. */
export function record(program: Program, numbers: BpfMap, count: number): void {
  const [last] = new BigUint64Array(numbers.mmap().slice().buffer)
  numbers.mmap().set(u64(last! + BigInt(count)), 8)
  program.testRun({ data: PACKET, repeat: count })
}

/** Runs a program so many times and no more, as a run with `repeat` may. */
export function runTimes(program: Program, count: number): void {
  for (let run = 0; run < count; run++) program.testRun({ data: PACKET })
}

/** Takes room for a record, and gives it back. */
export function loadDiscarding(ring: BpfMap): Promise<Program> {
  const program = new Assembler()
  const end = program.label('end')
  program.loadMap(r1, 'ring')
  program.mov(r2, 24)
  program.mov(r3, 0)
  program.call(Helper.ringbufReserve)
  program.jumpIf(r0, '==', 0, end)
  program.mov(r1, r0)
  program.mov(r2, 0)
  program.call(RINGBUF_DISCARD)
  program.bind(end)
  program.mov(r0, XDP_DROP)
  program.exit()
  return loadXdp('discarding', program, ring)
}

/** Goes on with the program in slot 0 of a program array, or passes. */
export function loadJumping(stages: BpfMap): Promise<Program> {
  const program = new Assembler()
  program.loadMap(r2, 'stages')
  program.mov(r3, 0)
  program.call(Helper.tailCall)
  program.mov(r0, XDP_PASS)
  program.exit()
  return loadXdp('jumping', program, stages)
}

/** Many instructions that the verifier has to walk through one by one. */
export function longInstructions(count: number): Uint8Array {
  const program = new Assembler()
  program.mov(r0, 0)
  for (let index = 0; index < count; index++) program.alu('add', r0, 1)
  program.mov(r0, XDP_PASS)
  program.exit()
  return program.assemble(() => 0)
}

/** An array of one u64. */
export function createNumber(flags = 0): BpfMap {
  return BpfMap.create({ kind: 'array', name: 'number', keySize: 4, valueSize: 8, maxEntries: 1, flags })
}

export function createRing(bytes: number): BpfMap {
  return BpfMap.create({ kind: 'ringbuf', name: 'ring', keySize: 0, valueSize: 0, maxEntries: bytes })
}

function loadXdp(name: string, program: Assembler, map: BpfMap): Promise<Program> {
  return load(name, program, () => map.fd)
}

function load(name: string, program: Assembler, fdOf: (map: string) => number): Promise<Program> {
  return Program.load({ type: 'xdp', name, instructions: program.assemble(fdOf), license: 'GPL' })
}
