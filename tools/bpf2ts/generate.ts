import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { LayoutError } from '../../src/bpf/btf/layout.ts'
import { readObject } from '../../src/bpf/btf/object-spec.ts'
import { objectOf } from '../build-bpf.ts'
import { emitObject } from './emit-object.ts'
import { format } from './format.ts'

/** `src/generated/entry.ts` of `bpf/entry.bpf.c`; tests have theirs beside the source. */
export function generatedOf(source: string): string {
  const name = basename(source, '.bpf.c')
  if (source.startsWith('bpf/')) return `src/generated/${name}.ts`
  const folder = ['lab', 'benchmarks'].find((root) => source.startsWith(`${root}/`)) ?? 'tests/fixtures'
  return `${folder}/generated/${name}.ts`
}

/** How a generated file calls the library. */
function libraryFor(generated: string): string {
  return generated.startsWith('src/')
    ? '../bpf/index.ts'
    : `${'../'.repeat(generated.split('/').length - 1)}src/bpf/index.ts`
}

/**
 * The generated file of a BPF source whose object is built.
 *
 * @throws Error that names the source, when its types cannot be shared.
 */
export function generate(source: string): string {
  const [object, generated] = [objectOf(source), generatedOf(source)]
  const target = { name: basename(source, '.bpf.c'), source, object, library: libraryFor(generated) }
  try {
    return format(emitObject(readObject(readFileSync(object)), target), generated)
  } catch (cause) {
    if (cause instanceof LayoutError) throw new Error(`${source}: ${cause.message}`, { cause })
    throw cause
  }
}
