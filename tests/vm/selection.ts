import { readFileSync } from 'node:fs'

/** What of tests/kernel runs in a machine, and how much of it, as tests/vm/selection.json says. */
export interface Selection {
  /** Environment of the tests: a value, and what it is an amount of. */
  readonly amounts: Readonly<Record<string, readonly [value: string, meaning: string]>>
  /** Test files that do not run, by path. */
  readonly leftOut: Readonly<Record<string, LeftOut>>
}

export interface LeftOut {
  /** Whether `--all` runs it. */
  readonly with: 'never' | '--all'
  readonly because: string
}

export const SELECTION_FILE = 'tests/vm/selection.json'

export function readSelection(): Selection {
  return JSON.parse(readFileSync(SELECTION_FILE, 'utf8')) as Selection
}

/**
 * The test files that run in a machine.
 *
 * @param filters parts of paths; a file that they name runs although only `--all` would run it.
 */
export function selectFiles(
  files: readonly string[],
  { leftOut }: Selection,
  { all, filters }: { readonly all: boolean; readonly filters: readonly string[] },
): readonly string[] {
  const named = (file: string): boolean => filters.some((filter) => file.includes(filter))
  return files.filter((file) => {
    if (!file.startsWith('tests/kernel/') || leftOut[file]?.with === 'never') return false
    return filters.length > 0 ? named(file) : all || leftOut[file] === undefined
  })
}

/** For docs/kernels.md: what runs smaller, and what does not run. */
export function describeSelection({ amounts, leftOut }: Selection): string {
  return [
    'Smaller than with `npm test`:',
    Object.entries(amounts)
      .map(([name, [value, meaning]]) => `- \`${name}=${value}\`: ${meaning}.`)
      .join('\n'),
    'Left out:',
    Object.entries(leftOut)
      .map(
        ([file, { with: how, because }]) => `- \`${file}\`${how === '--all' ? ' (without `--all`)' : ''}: ${because}.`,
      )
      .join('\n'),
  ].join('\n\n')
}
