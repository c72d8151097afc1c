import { closeSync } from 'node:fs'
import { isRefusal, VerifierError } from './errors.ts'
import { errnoName } from './ffi/errno.ts'
import * as libbpf from './ffi/libbpf.ts'
import { NativeMemory } from './ffi/memory.ts'
import { ATTACH_TYPES, type AttachType, PROGRAM_TYPES, type ProgramType } from './kinds.ts'
import { kernelName, refused } from './result.ts'

export interface ProgramDefinition {
  readonly type: ProgramType
  /** Shown by `bpftool prog`; the kernel keeps 15 letters. */
  readonly name: string
  /** Instructions of 8 bytes; maps by their descriptors. */
  readonly instructions: Uint8Array
  /** Such as `Dual BSD/GPL`: some helpers are for programs under the GPL only. */
  readonly license: string
  /** Where the type of the program asks for it. */
  readonly expectedAttachType?: AttachType
  /** Flags of BPF_PROG_LOAD. */
  readonly flags?: number
}

/** `struct bpf_prog_load_opts` of libbpf 1.1. */
const SIZE = 104
const EXPECTED_ATTACH_TYPE = 12
const FLAGS = 20
const LOG_LEVEL = 88
const LOG_SIZE = 92
const LOG_BUFFER = 96

/** Bytes for the verifier's log. If more is written, the kernel keeps the end, where the reason is. */
const LOG_BYTES = 1 << 24
const SHORT_LOG_BYTES = 1 << 16

const ENOSPC = -28
const E2BIG = -7

/** BPF_LOG_LEVEL1 and BPF_LOG_STATS of the kernel's bpf_verifier.h. */
const LOG_STEPS = 1
const LOG_STATISTICS = 4

/**
 * Loads a program on a thread of its own kind, so that the event loop goes on; a large one takes the verifier seconds.
 *
 * @returns the descriptor.
 * @throws VerifierError, BpfError BPF_REFUSED
 */
export async function loadProgram(definition: ProgramDefinition): Promise<number> {
  const result = await load(definition)
  return result >= 0 ? result : explain(definition, result)
}

/**
 * Loads a small program on this thread, and closes it.
 *
 * @returns what the verifier said, or undefined if nothing was wrong.
 * @throws BpfError BPF_REFUSED when the verifier was not even asked.
 */
export function tryProgram(definition: ProgramDefinition): string[] | undefined {
  const log = new NativeMemory(SHORT_LOG_BYTES)
  try {
    const result = libbpf.programLoad(...argumentsOf(definition, log))
    if (result >= 0) {
      closeSync(result)
      return undefined
    }
    const text = log.text().trimEnd()
    if (text === '') throw refused(result, `load ${definition.type} program "${definition.name}"`)
    return text.split('\n')
  } finally {
    log.free()
  }
}

type LoadArguments = Parameters<typeof libbpf.programLoad>

function load(definition: ProgramDefinition, log?: NativeMemory, level = LOG_STEPS): Promise<number> {
  return libbpf.onThread(libbpf.programLoad, ...argumentsOf(definition, log, level))
}

function argumentsOf(definition: ProgramDefinition, log?: NativeMemory, level = LOG_STEPS): LoadArguments {
  const { type, name, license, instructions, expectedAttachType: attachType } = definition
  const options = new Uint8Array(SIZE)
  const view = new DataView(options.buffer)
  view.setBigUint64(0, BigInt(SIZE), true)
  view.setUint32(EXPECTED_ATTACH_TYPE, attachType === undefined ? 0 : ATTACH_TYPES[attachType], true)
  view.setUint32(FLAGS, definition.flags ?? 0, true)
  if (log !== undefined) {
    view.setUint32(LOG_LEVEL, level, true)
    view.setUint32(LOG_SIZE, log.size, true)
    view.setBigUint64(LOG_BUFFER, log.address, true)
  }
  return [PROGRAM_TYPES[type], kernelName(name), license, instructions, instructions.length / 8, options]
}

/**
 * Loads once more, to hear the verifier's reason: a log costs time that most loads need not spend. Of a program that is too large it
 * would be a million steps, which take half a minute to write and say nothing.
 */
async function explain(definition: ProgramDefinition, first: number): Promise<number> {
  const log = new NativeMemory(LOG_BYTES)
  try {
    const result = await load(definition, log, first === E2BIG ? LOG_STATISTICS : LOG_STEPS)
    if (result >= 0) return result
    const lines = log.text().trimEnd().split('\n')
    const operation = `load ${definition.type} program "${definition.name}"`
    const reason = result === ENOSPC ? first : result
    if (!isRefusal(lines)) throw refused(reason, operation)
    throw new VerifierError(errnoName(reason), operation, lines)
  } finally {
    log.free()
  }
}
