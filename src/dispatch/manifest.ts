import { readDocument, writeDocument } from '../entry/document.ts'
import { SeawallError } from '../entry/errors.ts'
import { layoutOf } from '../entry/layout.ts'
import { dispatch } from '../generated/dispatch.ts'
import { formatMatch, parseMatch } from './binding.ts'
import type { ActiveBinding } from './desired.ts'
import { defaultPolicy, isSamePolicy, type PolicyWords, parsePolicy, policyWords } from './policy.ts'

/** A binding, and its place in the map `binding_counts`. */
export interface CountedBinding extends ActiveBinding {
  readonly counter: number
}

/** The bindings of one program. They do not change: others are another set. */
export interface SetManifest {
  readonly bindings: readonly CountedBinding[]
  /** Places in `binding_counts` that bindings have or had; those behind it are zero. */
  readonly counters: number
  /** Maps `earlier-0` and so on, of what was counted until `binding_counts` became too small. */
  readonly earlier: number
}

/** `format` is for changes of meaning that the layout does not show. */
export const LAYOUT = layoutOf({ format: 1, dispatch: dispatch.layout })

const MANIFEST = 'manifest'

/** A hundred thousand bindings are kept like this, so as few words as can be. */
type Row = readonly [match: string, label: string, counter: number, isDynamic: 0 | 1, policy?: PolicyWords]

interface ManifestDocument {
  readonly layout: string
  readonly rows: readonly Row[]
  readonly counters: number
  readonly earlier: number
}

export function writeManifest(folder: string, { bindings, counters, earlier }: SetManifest): void {
  const rows = bindings.map((binding): Row => {
    const { label, counter, dynamic } = binding
    const row = [formatMatch(binding), label, counter, dynamic ? 1 : 0] as const
    return isSamePolicy(binding, defaultPolicy) ? row : [...row, policyWords(binding)]
  })
  writeDocument(folder, MANIFEST, { layout: LAYOUT, rows, counters, earlier } satisfies ManifestDocument)
}

/** @throws SeawallError SEAWALL_STATE_VERSION when another version wrote it */
export function readManifest(folder: string): SetManifest {
  const found = readDocument(folder, MANIFEST) as ManifestDocument | undefined
  if (found?.layout !== LAYOUT) throw otherVersion(found?.layout)
  const { rows, counters, earlier } = found
  const bindings = rows.map(([match, label, counter, isDynamic, words]): CountedBinding => {
    const parsed = parseMatch(match)
    const policy = words === undefined ? defaultPolicy : parsePolicy(words, parsed.protocol)
    return { ...parsed, label, ...policy, counter, dynamic: isDynamic === 1 }
  })
  return { bindings, counters, earlier }
}

export function otherVersion(layout: string | undefined): SeawallError {
  return new SeawallError(
    'SEAWALL_STATE_VERSION',
    `Cannot use the state of dispatch in the kernel: it has layout ${layout ?? 'unknown'}, wanted ${LAYOUT} ` +
      '(run seawall unload, then bind and register again; sockets get what they are bound to in between)',
  )
}
