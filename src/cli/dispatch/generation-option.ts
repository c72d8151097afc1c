import type { Command } from 'commander'
import type { GenerationChoice } from '../../dispatch/index.ts'
import { parseCount } from '../parse-count.ts'

export interface GenerationFlags {
  readonly generation?: string
}

/** Highest number of a generation. */
const HIGHEST = 2 ** 32 - 1

/** Of which run of its server sockets are. */
export function generationOption(command: Command): Command {
  return command.option(
    '--generation <new|number>',
    'a new one, which waits for seawall promote, or one that is there (default: the one that works)',
  )
}

/** @throws SeawallError SEAWALL_INPUT */
export const parseGeneration = (text: string): number => parseCount('generation', text, HIGHEST)

/** @throws SeawallError SEAWALL_INPUT */
export function readGeneration({ generation }: GenerationFlags): GenerationChoice {
  if (generation === undefined || generation === 'new') return generation ?? 'working'
  return parseGeneration(generation)
}
