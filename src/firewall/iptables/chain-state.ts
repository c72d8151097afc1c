import { IptablesError } from './errors.ts'
import { TABLE } from './family.ts'

/** Seawall's own chain. */
export const CHAIN = 'SEAWALL'

/** The comment of the jumps to it. */
export const JUMP_COMMENT = 'seawall'

/** A rule of the chain. */
export interface Line {
  /** As iptables-save prints it, from `-A` on. */
  readonly text: string
  readonly packets: number
  readonly bytes: number
}

/** What Seawall has, or shall have, in the table of one family. */
export interface ChainState {
  /** Undefined if there is no chain. */
  readonly lines: readonly Line[] | undefined
  /** Jumps to the chain from PREROUTING, in order. */
  readonly jumps: readonly Jump[]
}

export interface Jump {
  /** As iptables-save prints it, from `-A` on. */
  readonly text: string
  /** Place in PREROUTING, from 1. */
  readonly place: number
}

/** Nothing of Seawall's. */
export const noChain: ChainState = { lines: undefined, jumps: [] }

const line = /^\[(\d+):(\d+)\] (-A (\S+) ?(.*))$/

/**
 * Reads what `iptables-save -c -t raw` prints.
 *
 * @param program what printed it, for messages
 * @throws IptablesError IPTABLES_FOREIGN if somebody else's rules are in the chain or jump to it
 */
export function readChain(saved: string, program: string): ChainState {
  if (new RegExp(`^# Table .${TABLE}' (is|contains) incompatible`, 'm').test(saved)) {
    throw new IptablesError(
      'IPTABLES_FOREIGN',
      `Cannot read table ${TABLE} by ${program}: it has rules of nftables that iptables cannot show (see nft list ruleset, move them to a table of another name)`,
    )
  }
  const rules = saved.split('\n').flatMap((text) => readLine(text) ?? [])
  const prerouting = rules.filter(({ chain }) => chain === 'PREROUTING')
  for (const rule of rules) if (isForeign(rule)) throw foreign(rule, program)
  const declared = saved.split('\n').some((text) => text.startsWith(`:${CHAIN} `))
  return {
    lines: declared ? rules.filter(({ chain }) => chain === CHAIN).map(toLine) : undefined,
    jumps: prerouting.flatMap((rule, index) => (isJump(rule) ? [{ text: rule.text, place: index + 1 }] : [])),
  }
}

interface SavedRule extends Line {
  readonly chain: string
  /** What stands behind the chain's name. */
  readonly rest: string
}

function readLine(text: string): SavedRule | undefined {
  const match = line.exec(text)
  if (match === null) return undefined
  const [, packets, bytes, rule, chain, rest] = match
  return { text: rule!, packets: Number(packets), bytes: Number(bytes), chain: chain!, rest: rest! }
}

const toLine = ({ text, packets, bytes }: SavedRule): Line => ({ text, packets, bytes })

const isJump = ({ rest }: SavedRule): boolean => rest.endsWith(`-m comment --comment ${JUMP_COMMENT} -j ${CHAIN}`)

/** In the chain, but not Seawall's; or a jump or goto to the chain that Seawall did not make. */
function isForeign(rule: SavedRule): boolean {
  if (rule.chain === CHAIN) return labelOf(rule.text) === undefined
  return new RegExp(` -[jg] ${CHAIN}$`).test(` ${rule.rest}`) && !(rule.chain === 'PREROUTING' && isJump(rule))
}

function foreign(rule: SavedRule, program: string): IptablesError {
  const inside = rule.chain === CHAIN
  const what = inside
    ? `chain ${CHAIN} has a rule that is not Seawall's`
    : `a rule that is not Seawall's leads to chain ${CHAIN}`
  const remedy = inside ? 'move it to a chain of your own' : 'remove it'
  return new IptablesError(
    'IPTABLES_FOREIGN',
    `Cannot change table ${TABLE} of ${program}: ${what}: "${rule.text}" (${remedy})`,
  )
}

/** What the comment of one of Seawall's rules says: the rule's id, or that it is for malformed packets. */
export type Label = { readonly kind: 'rule'; readonly id: string } | { readonly kind: 'malformed' }

export const commentOf = (label: Label): string =>
  label.kind === 'malformed' ? '"seawall malformed"' : `"seawall:${label.id}"`

export function labelOf(text: string): Label | undefined {
  const match = / --comment "seawall(?: malformed|:([\w.-]+))"/.exec(text)
  if (match === null) return undefined
  return match[1] === undefined ? { kind: 'malformed' } : { kind: 'rule', id: match[1] }
}
