import type { Program } from '../bpf/index.ts'
import type { Change } from './types.ts'

/** Folders of pins of one part, in several generations. */
export interface PartFolders {
  /** In the generation in force, if that has the part. */
  readonly live: string | undefined
  /** In the generation whose contents are wanted again: the one in force, or the one that is rolled back to. */
  readonly source: string | undefined
}

export interface PartPlace extends PartFolders {
  /** Where to pin, empty. */
  readonly folder: string
}

/**
 * What a capability beside the firewall has in a generation, such as a program for the packets that rules let pass, and its maps. It
 * comes into force, and goes, with the generation as a whole.
 */
export interface Part {
  /** Of its folder in a generation, and of its key in the configuration. */
  readonly name: string
  /** Whether packets that rules let pass go through a program of it. */
  readonly inPath: boolean
  /** What would change, for a plan; nothing is loaded. */
  changes(live: string | undefined): Promise<readonly Change[]>
  /** What is allowed but hardly meant, and what an operator should know, for a plan. */
  warnings(): readonly string[]
  /** Whether the generation is to have it. */
  isWanted(folders: PartFolders): boolean
  /** Loads and pins it aside. */
  build(place: PartPlace): Promise<BuiltPart>
  /** Does what a writer that died had left to do for the generation in force, of which this is the folder. */
  finish?(folder: string): Promise<void>
  /** Takes back what is in no folder of a generation, as nothing is in force any more. */
  withdraw?(): Promise<void>
}

export interface BuiltPart {
  /** Of a part that packets go through. */
  readonly stage?: PartStage
  /** Puts into force what is beside the packets' path: when all else is, and it changes nothing if it fails. */
  comeIntoForce?(): void
  close(): void
}

export interface PartStage {
  readonly program: Program
  /** Has it hand the packets that are for this machine on to another program. */
  goOnWith(next: Program): void
}
