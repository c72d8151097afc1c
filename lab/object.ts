import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BpfMap, Program } from '../src/bpf/index.ts'
import { BPFFS, mountBpffs } from '../src/linux/bpffs.ts'
import { command } from '../src/linux/command.ts'
import { ownPrefix } from './owner.ts'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..')

/** A program of `lab/bpf/`, in the kernel, with its maps. */
export class LabObject {
  readonly program: Program
  readonly #maps: ReadonlyMap<string, BpfMap>

  private constructor(program: Program, maps: ReadonlyMap<string, BpfMap>) {
    this.program = program
    this.#maps = maps
  }

  /** Loads `lab/bpf/<name>.bpf.c`, compiled first if there is no object or an older one. */
  static load(name: string, maps: readonly string[]): LabObject {
    mountBpffs()
    const pins = join(BPFFS, `${ownPrefix()}${name}`)
    mkdirSync(pins)
    try {
      command('bpftool', ['prog', 'load', compiled(name), join(pins, 'program'), 'type', 'xdp', 'pinmaps', pins])
      const program = Program.openPinned(join(pins, 'program'))
      return new LabObject(program, new Map(maps.map((map) => [map, BpfMap.openPinned(join(pins, map))])))
    } finally {
      rmSync(pins, { recursive: true })
    }
  }

  map(name: string): BpfMap {
    const map = this.#maps.get(name)
    if (map === undefined) throw new RangeError(`Cannot find map "${name}": wanted one of ${[...this.#maps.keys()]}`)
    return map
  }

  close(): void {
    for (const map of this.#maps.values()) map.close()
    this.program.close()
  }
}

function compiled(name: string): string {
  const source = join(ROOT, 'lab/bpf', `${name}.bpf.c`)
  const object = join(ROOT, 'build/lab', `${name}.bpf.o`)
  if (modified(object) < modified(source)) compile(source, object)
  return object
}

function modified(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

/** Renamed into place, so that a parallel run never reads half an object. */
function compile(source: string, object: string): void {
  mkdirSync(dirname(object), { recursive: true })
  const temporary = `${object}.${process.pid}`
  const flags = [
    '-O2',
    '-g',
    '-Wall',
    '-Werror',
    '-target',
    'bpf',
    `-I/usr/include/${process.arch === 'x64' ? 'x86_64' : 'aarch64'}-linux-gnu`,
  ]
  command('clang-14', [...flags, '-c', source, '-o', temporary])
  renameSync(temporary, object)
}
