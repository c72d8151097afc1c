import { createHash } from 'node:crypto'
import { formatAddress } from '../../net/address.ts'
import type { PrefixColumns } from '../../rules/sets/columns.ts'
import type { PrefixSet } from '../../rules/sets/prefix-set.ts'
import { readWords, wordsOfFamily } from '../../rules/sets/words.ts'
import { type Family, families, type PerFamily } from './family.ts'

/**
 * One family of a set, as an ipset of type hash:net. Its name tells its contents: a set with other contents is another ipset, which
 * is filled aside and comes into force with the rules that name it.
 */
export interface Ipset {
  readonly name: string
  readonly family: Family
  /** Name of the set in the configuration. */
  readonly of: string
  readonly prefixes: number
  /** What `ipset restore` reads, in pieces of some thousand lines. */
  restore(): Generator<string, void, undefined>
}

/** The ipsets of a set; undefined for a family of which it holds nothing. */
export type Ipsets = PerFamily<Ipset | undefined>

/** Names of ipsets that Seawall made, or was making when it was killed. */
export const isOurs = (name: string): boolean => /^seawall[46][-+]/.test(name)

/** Longest part of a set's own name: an ipset's name has 31 characters. */
const NAME = 13

const PIECE = 4_096

export function toIpsets(of: string, set: PrefixSet): Ipsets {
  const [four, six] = families.map((family) => toIpset(of, family, set.columns(family)))
  return { 4: four, 6: six }
}

function toIpset(of: string, family: Family, columns: PrefixColumns): Ipset | undefined {
  const prefixes = columns.size
  if (prefixes === 0) return undefined
  const name = `seawall${family}-${of.slice(0, NAME)}-${digestOf(columns)}`
  return { name, family, of, prefixes, restore: () => restore(name, family, columns) }
}

/** A digest of what a family of a set holds. */
export function digestOf({ values, lengths, size, words }: PrefixColumns): string {
  return createHash('sha256')
    .update(values.subarray(0, size * words))
    .update(lengths.subarray(0, size))
    .digest('hex')
    .slice(0, 8)
}

function* restore(name: string, family: Family, columns: PrefixColumns): Generator<string, void, undefined> {
  const kind = family === 4 ? 'inet' : 'inet6'
  // One more, as the whole address space is two elements. As many buckets as elements, so that it never grows while it is filled.
  const room = columns.size + 1
  const buckets = 2 ** Math.max(6, Math.ceil(Math.log2(room)) - 1)
  // Under another name until it is full: a set that is there holds all that its name says.
  const filling = name.replace('-', '+')
  let text = `create ${filling} hash:net family ${kind} hashsize ${buckets} maxelem ${room}\n`
  for (let place = 0; place < columns.size; place++) {
    for (const element of elements(family, columns, place)) text += `add ${filling} ${element}\n`
    if (place % PIECE === PIECE - 1) {
      yield text
      text = ''
    }
  }
  yield `${text}rename ${filling} ${name}\n`
}

/** An element as ipset writes it; hash:net knows no length 0. */
function elements(family: Family, { values, lengths }: PrefixColumns, place: number): string[] {
  const length = lengths[place]!
  if (length === 0) return family === 4 ? ['0.0.0.0/1', '128.0.0.0/1'] : ['::/1', '8000::/1']
  const words = wordsOfFamily[family]
  if (family === 4) return [`${ipv4Text(values[place]!)}/${length}`]
  return [`${formatAddress({ family, value: readWords(values, words, place * words) })}/${length}`]
}

const ipv4Text = (value: number): string =>
  `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`
