// Compiles the BPF programs of this tree: PATH.bpf.c becomes build/PATH.bpf.o. npm run build:bpf
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, renameSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Where sources are. */
const FOLDERS = ['bpf', 'lab/bpf', 'benchmarks/bpf', 'tests/fixtures']

/** In this order; newer compilers work too. */
const COMPILERS = ['clang-14', 'clang']

/** A tree whose objects are built, and who is told. */
export interface BuildOptions {
  /** The root of the tree. */
  readonly root: string
  readonly say?: (line: string) => void
  /** Other compilers than clang, for tests. */
  readonly compilers?: readonly string[]
}

/**
 * Compiles what is newer than its object.
 *
 * @returns the objects that were made, as paths below the root.
 * @throws Error when there is no clang, or it finds fault.
 */
export function buildBpf({ root, say = () => {}, compilers = COMPILERS }: BuildOptions): string[] {
  const stale = sourcesOf(root).filter((source) => isStale(root, source))
  if (stale.length === 0) return []
  const compiler = findCompiler(compilers)
  for (const source of stale) {
    say(`${compiler} ${source} → ${objectOf(source)}`)
    compile(root, compiler, source)
  }
  return stale.map(objectOf)
}

/** All BPF sources below the root, sorted. */
export function sourcesOf(root: string): string[] {
  return FOLDERS.flatMap((folder) =>
    list(join(root, folder))
      .filter((name) => name.endsWith('.bpf.c'))
      .map((name) => `${folder}/${name}`),
  ).sort()
}

/** `build/bpf/entry.bpf.o` of `bpf/entry.bpf.c`. */
export function objectOf(source: string): string {
  return `build/${source.replace(/\.c$/, '.o')}`
}

function isStale(root: string, source: string): boolean {
  const headers = ['bpf/include', dirname(source)].flatMap((folder) =>
    list(join(root, folder))
      .filter((name) => name.endsWith('.h'))
      .map((name) => `${folder}/${name}`),
  )
  const newest = Math.max(...[source, ...headers].map((path) => modified(join(root, path))))
  return modified(join(root, objectOf(source))) < newest
}

function modified(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function findCompiler(candidates: readonly string[]): string {
  const found = candidates.find((name) => spawnSync(name, ['--version']).status === 0)
  if (found) return found
  throw new Error(`Cannot compile BPF programs: none of ${candidates.join(', ')} is installed (apt install clang-14)`)
}

/** Renamed into place, so that nobody meets half an object. */
function compile(root: string, compiler: string, source: string): void {
  const object = join(root, objectOf(source))
  mkdirSync(dirname(object), { recursive: true })
  const temporary = `${object}.${process.pid}`
  const machine = process.arch === 'arm64' ? 'aarch64' : 'x86_64'
  const include = ['-Ibpf/include', `-I/usr/include/${machine}-linux-gnu`]
  const flags = ['-O2', '-g', '-mcpu=v3', '-Wall', '-Werror', '-target', 'bpf', ...include]
  const run = spawnSync(compiler, [...flags, '-c', source, '-o', temporary], { cwd: root, encoding: 'utf8' })
  if (run.status !== 0) throw new Error(`Cannot compile ${source}: ${compiler} says\n${run.stderr}`)
  renameSync(temporary, object)
}

if (process.argv[1] === import.meta.filename) {
  try {
    buildBpf({ root: process.cwd(), say: console.log })
  } catch (error) {
    console.error((error as Error).message)
    process.exitCode = 1
  }
}
