import { closeSync } from 'node:fs'
import { BpfError, isRefusal, VerifierError } from './errors.ts'
import { errnoName } from './ffi/errno.ts'
import { withWarnings } from './ffi/libbpf-print.ts'
import { loadObject, type ObjectReply, type ObjectRequest } from './ffi/object-calls.ts'
import { BpfMap } from './map.ts'
import { Program } from './program.ts'
import { check } from './result.ts'

/** How an object is loaded. */
export interface ObjectOptions {
  /** Shown in errors. */
  readonly name?: string
  /** Whole sections of global data, as programs find them; `load()` does it with types. */
  readonly data?: Readonly<Record<string, Uint8Array>>
  /** Other sizes of maps than the source has. */
  readonly maxEntries?: Readonly<Record<string, number>>
  /** Existing maps to use in place of new ones. They stay their owner's. */
  readonly reuse?: Readonly<Record<string, BpfMap>>
  /** The only programs to load; all unless told. */
  readonly programs?: readonly string[]
}

/** The maps and programs of an object file that was compiled from C, in the kernel. */
export class BpfObject {
  readonly name: string
  /** By their names in the source; global data by its section (`.bss`). */
  readonly maps: ReadonlyMap<string, BpfMap>
  /** By the names of their functions. */
  readonly programs: ReadonlyMap<string, Program>

  /**
   * Loads the bytes of an object file while the event loop goes on. libbpf fits it to the running kernel's types.
   *
   * @throws VerifierError when the kernel cannot prove that a program is safe; BpfError BPF_REFUSED, BPF_OBJECT
   */
  static async load(image: Uint8Array, options: ObjectOptions = {}): Promise<BpfObject> {
    const request = requestOf(image, options)
    const reply = await loadObject(request)
    if (reply.result < 0) throw await explain(request, reply)
    return BpfObject.#adopt(request.name, reply)
  }

  /** All descriptors or none: if one cannot be had (there may be too many open), the others are closed. */
  static #adopt(name: string, { maps, programs }: ObjectReply): BpfObject {
    const left = new Set([...maps.values(), ...programs.values()].filter((fd) => fd >= 0))
    const handles: { close(): void }[] = []
    const adoptAll = <T extends { close(): void }>(fds: ReadonlyMap<string, number>, adopt: (fd: number) => T) =>
      new Map(
        [...fds].map(([symbol, fd]) => {
          left.delete(check(fd, `take over "${symbol}"`))
          const handle = adopt(fd)
          handles.push(handle)
          return [symbol, handle]
        }),
      )
    try {
      return new BpfObject(name, adoptAll(maps, BpfMap.adopt), adoptAll(programs, Program.adopt))
    } catch (cause) {
      for (const handle of handles) handle.close()
      for (const fd of left) closeSync(fd)
      throw cause
    }
  }

  private constructor(name: string, maps: ReadonlyMap<string, BpfMap>, programs: ReadonlyMap<string, Program>) {
    this.name = name
    this.maps = maps
    this.programs = programs
  }

  /**
   * A map, which is closed with the object.
   *
   * @throws BpfError BPF_OBJECT when there is none of that name.
   */
  map(name: string): BpfMap {
    return this.#find(this.maps, 'map', name)
  }

  /**
   * A program, which is closed with the object.
   *
   * @throws BpfError BPF_OBJECT when there is none of that name.
   */
  program(name: string): Program {
    return this.#find(this.programs, 'program', name)
  }

  /** Closes all maps and programs. Links, pins and arrays of programs keep what they need. Does nothing the second time. */
  close(): void {
    for (const part of [...this.maps.values(), ...this.programs.values()]) part.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #find<T>(parts: ReadonlyMap<string, T>, kind: string, name: string): T {
    const found = parts.get(name)
    if (found) return found
    const wanted = [...parts.keys()].map((known) => `"${known}"`).join(', ') || 'there are none'
    const detail = `object "${this.name}" has no ${kind} of this name (wanted one of ${wanted})`
    throw new BpfError('BPF_OBJECT', '', `use ${kind} "${name}"`, detail)
  }
}

function requestOf(image: Uint8Array, options: ObjectOptions): ObjectRequest {
  const { name = 'object', data = {}, maxEntries = {}, reuse = {}, programs } = options
  return {
    image,
    name,
    data: new Map(Object.entries(data)),
    maxEntries: new Map(Object.entries(maxEntries)),
    reuse: new Map(Object.entries(reuse).map(([symbol, map]) => [symbol, map.fd])),
    programs: programs && new Set(programs),
  }
}

/** The verifier's log says why, if it was the verifier. If not, libbpf knows: it is asked once more, and listened to. */
async function explain(request: ObjectRequest, { result, log }: ObjectReply): Promise<BpfError> {
  const [operation, errno] = [`load object "${request.name}"`, errnoName(result)]
  const lines = log.trimEnd().split('\n')
  if (isRefusal(lines)) return new VerifierError(errno, operation, lines)
  const { result: second, warnings } = await withWarnings(() => loadObject(request))
  for (const fd of [...second.maps.values(), ...second.programs.values()]) closeSync(fd)
  const reason = warnings.join('; ') || 'libbpf gave no reason'
  return new BpfError('BPF_OBJECT', errno, operation, `${errno} (${reason})`)
}
