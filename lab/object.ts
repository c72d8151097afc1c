import { mkdirSync, readFileSync, renameSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BpfObject } from '../src/bpf/index.ts'
import { command } from '../src/linux/command.ts'

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..')

/** Loads `lab/bpf/<name>.bpf.c` into the kernel, compiled first if there is no object or an older one. */
export function loadLabObject(name: string): Promise<BpfObject> {
  const source = join(ROOT, 'lab/bpf', `${name}.bpf.c`)
  const object = join(ROOT, 'build/lab', `${name}.bpf.o`)
  if (modified(object) < modified(source)) compile(source, object)
  return BpfObject.load(readFileSync(object), { name })
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
