import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { command } from '../../src/linux/command.ts'

/** Compiles a program in C into a folder: its first source, others, and shared libraries by name. Returns its path. */
export function compile(
  source: URL,
  folder: string,
  others: readonly URL[] = [],
  libraries: readonly string[] = [],
): string {
  const program = join(folder, basename(source.pathname, '.c'))
  const sources = [source, ...others].map((one) => fileURLToPath(one))
  const linked = libraries.map((name) => `-l${name}`)
  command('clang-14', ['-O2', '-Wall', '-Werror', '-D_GNU_SOURCE', '-o', program, ...sources, ...linked])
  return program
}
