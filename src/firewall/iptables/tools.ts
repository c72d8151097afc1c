import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { LinuxError } from '../../linux/errors.ts'
import type { Netns } from '../../linux/netns.ts'
import { ended, start } from '../../linux/process.ts'
import { type Family, TABLE } from './family.ts'
import type { Ipset } from './ipset.ts'
import { missingProgram, toolError } from './tool-error.ts'

/** Which iptables: that of nf_tables or the older one. The system's own choice by default. */
export type Variant = 'nft' | 'legacy'

export interface ToolOptions {
  readonly netns: Netns
  readonly variant?: Variant | undefined
  /** Seconds to wait for the xtables lock; only the legacy variant has one. */
  readonly waitSeconds: number
}

/** The programs that change netfilter, run inside a network namespace with the mounts of this process. */
export class Tools {
  readonly #options: ToolOptions
  #variant: Promise<Variant> | undefined

  constructor(options: ToolOptions) {
    this.#options = options
  }

  /** What iptables is called for a family, for messages too. */
  name(family: Family, what: 'save' | 'restore'): string {
    const { variant } = this.#options
    return [family === 4 ? 'iptables' : 'ip6tables', ...(variant === undefined ? [] : [variant]), what].join('-')
  }

  /** The table with its counters, as text. */
  save(family: Family): Promise<string> {
    return this.#run(this.name(family, 'save'), ['-c', '-t', TABLE])
  }

  /** Makes all changes of a text, or none. */
  async restore(family: Family, text: string): Promise<void> {
    const wait = ['-w', String(this.#options.waitSeconds)]
    await this.#run(this.name(family, 'restore'), ['--noflush', '--counters', ...wait], text)
  }

  /** Names of all ipsets. */
  async listSets(): Promise<string[]> {
    return (await this.#run('ipset', ['list', '-name'])).split('\n').filter(Boolean)
  }

  async makeSet(set: Ipset): Promise<void> {
    // The halves of the whole address space may be elements themselves.
    await this.#run('ipset', ['-exist', 'restore'], set.restore())
  }

  async destroySet(name: string): Promise<void> {
    await this.#run('ipset', ['destroy', name])
  }

  /** Which iptables it is; asked once, where it is not said. */
  variant(): Promise<Variant> {
    this.#variant ??= this.#findVariant()
    return this.#variant
  }

  async #findVariant(): Promise<Variant> {
    if (this.#options.variant !== undefined) return this.#options.variant
    const version = await this.#run(this.name(4, 'save'), ['--version'])
    return version.includes('nf_tables') ? 'nft' : 'legacy'
  }

  async #run(program: string, args: readonly string[], input: string | Iterable<string> = ''): Promise<string> {
    const child = start(program, args, { netns: this.#options.netns, stdio: 'pipe' })
    // What a program has not read when it ends is of no use; why it ended is told by its exit.
    const feeding = pipeline(Readable.from(typeof input === 'string' ? [input] : input), child.stdin!).catch(() => {})
    const { code, stdout, stderr } = await ended(child).catch((cause: unknown) => {
      throw isAbsent(cause) ? missingProgram(program, cause) : cause
    })
    await feeding
    if (code === 0) return stdout
    throw toolError({ program, args, stderr, ...(typeof input === 'string' ? { input } : {}) })
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof LinuxError && (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
}
