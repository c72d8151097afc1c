import { documentBytes, parseDocument } from '../entry/document.ts'
import { SeawallError } from '../entry/errors.ts'
import type { DesiredInterface } from '../entry/interface-config.ts'
import type { Capture } from '../rules/ast.ts'
import type { SetGeometry } from '../rules/sets/index.ts'
import { LAYOUT } from './layout.ts'
import type { SynCookies } from './syn-cookies/config.ts'
import type { Sysctls } from './syn-cookies/sysctls.ts'
import type { Count } from './types.ts'

/** A rule as it is in force. */
export interface ManifestRule {
  readonly id: string
  /** Canonical text. */
  readonly text: string
  readonly slot: number
  readonly dynamic: boolean
  /** Nanoseconds of CLOCK_MONOTONIC after which it no longer matches, decimal. */
  readonly until?: string
  readonly capture?: Capture
}

export interface ManifestSet {
  readonly name: string
  readonly file?: string
  /** Of the contents it was built from; one-element changes since then are not in it. */
  readonly digest: string
  readonly prefixes: number
  readonly bytes: number
  /** Where everything lies in its map. */
  readonly geometry: SetGeometry
}

/** A slot whose rule is gone, but which the generation before may still count in. */
export interface RetiredSlot {
  readonly slot: number
  readonly id: string
  /** The action of the rule. */
  readonly kind: string
  /** The first generation without the rule. */
  readonly since: number
}

/** What a generation is: everything that is needed to go on from it is in its own folder. */
export interface Manifest {
  readonly layout: string
  readonly version: string
  readonly generation: number
  /** What was in force before; absent for the first. */
  readonly previous?: number
  readonly appliedAt: string
  readonly digest: string
  readonly malformed: 'drop' | 'pass'
  readonly interfaces: readonly DesiredInterface[]
  /** In the order in which they are tried. */
  readonly rules: readonly ManifestRule[]
  readonly sets: readonly ManifestSet[]
  readonly retired: readonly RetiredSlot[]
  /** Counts of slots that were given to other rules since. */
  readonly folded: { readonly pass: Count; readonly drop: Count }
  /** Malformed packets that came under each policy before the present one was set. */
  readonly malformedBefore: { readonly pass: Count; readonly drop: Count }
  /** Key of the hash of limits, hexadecimal. It stays, as the cells of limits do. */
  readonly secret: string
  /** How the kernel's clocks run, as its program was told; `jiffiesAtZero` is decimal. */
  readonly clock: { readonly hz: number; readonly jiffiesAtZero: string }
  readonly instructions: number
  /** Names of the parts that come behind the rules. */
  readonly parts: readonly string[]
  /** When SYNs are answered with cookies, and the kernel parameters that this changed, as they were. */
  readonly synCookies?: SynCookies & { readonly before: Sysctls }
  /** Kernel parameters to put back, as SYN cookies are gone. */
  readonly restore?: Sysctls
}

/** A manifest as the bytes of a map value. */
export function encodeManifest(manifest: Manifest): Uint8Array {
  return documentBytes(manifest)
}

/**
 * Reads a manifest back.
 *
 * @throws SeawallError SEAWALL_STATE_VERSION when another version wrote it.
 */
export function decodeManifest(bytes: Uint8Array): Manifest {
  const found = parse(bytes)
  if (found?.layout === LAYOUT) return found
  const by = found === undefined ? 'an unknown program' : `version ${found.version}, layout ${found.layout}`
  throw new SeawallError(
    'SEAWALL_STATE_VERSION',
    `Cannot use the state in the kernel: it was made by ${by}, wanted layout ${LAYOUT} ` +
      '(run seawall down, then seawall up; packets pass unfiltered in between)',
  )
}

function parse(bytes: Uint8Array): Manifest | undefined {
  const value = parseDocument(bytes) as Manifest | null | undefined
  return typeof value?.layout === 'string' ? value : undefined
}
