import { readFile } from 'node:fs/promises'
import type { Desired, SetSource } from '../firewall/index.ts'
import { PrefixSet, parseSetFile, SetFileError } from '../rules/sets/index.ts'

/**
 * Reads the sets of a configuration, from their files too, without the kernel.
 *
 * @throws SetFileError for a file that cannot be read, or has bad lines.
 */
export async function readSets(desired: Desired): Promise<Map<string, PrefixSet>> {
  const sets = new Map<string, PrefixSet>()
  for (const [name, source] of desired.sets) sets.set(name, await readSet(source))
  return sets
}

async function readSet(source: SetSource): Promise<PrefixSet> {
  if (source.kind === 'inline') return new PrefixSet(source.prefixes)
  return await parseSetFile(await readBytes(source.path), { name: source.path })
}

async function readBytes(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new SetFileError(
      'SET_FILE_UNREADABLE',
      `Cannot read set file "${file}": ${code} (correct its path in the configuration)`,
      [],
      {
        cause,
      },
    )
  }
}
