import type { Count } from '../types.ts'
import { type ChainState, type Line, labelOf } from './chain-state.ts'
import { targetOf } from './changes.ts'
import { families, type PerFamily, TABLE } from './family.ts'
import type { Present } from './present.ts'
import type { Variant } from './tools.ts'
import type { IptablesRuleStatus, IptablesStatus } from './types.ts'

const zero: Count = { packets: 0, bytes: 0 }

/** What is in force; undefined if there is no chain. */
export function statusOf(variant: Variant, chains: Present['chains']): IptablesStatus | undefined {
  if (families.every((family) => chains[family].lines === undefined)) return undefined
  const interfaces = families.flatMap((family) => chains[family].jumps.map(({ text }) => / -i (\S+)/.exec(text)![1]!))
  return {
    variant,
    table: TABLE,
    interfaces: [...new Set(interfaces)],
    malformed: { ipv4: malformedOf(chains[4]), ipv6: malformedOf(chains[6]) },
    rules: rulesOf(chains),
  }
}

const malformedOf = ({ lines }: ChainState): Count =>
  countOf(lines?.find(({ text }) => labelOf(text)?.kind === 'malformed'))

function rulesOf(chains: PerFamily<ChainState>): IptablesRuleStatus[] {
  const [four, six] = [linesById(chains[4]), linesById(chains[6])]
  return merge([...four.keys()], [...six.keys()]).map((id) => ({
    id,
    target: targetOf((four.get(id) ?? six.get(id))!.text),
    ipv4: countOf(four.get(id)),
    ipv6: countOf(six.get(id)),
  }))
}

function linesById({ lines = [] }: ChainState): Map<string, Line> {
  return new Map(
    lines.flatMap((line) => {
      const label = labelOf(line.text)
      return label?.kind === 'rule' ? [[label.id, line] as const] : []
    }),
  )
}

/** Both lists in one order: what only one has stands where it stands there. */
function merge(four: readonly string[], six: readonly string[]): string[] {
  const inSix = new Set(six)
  const shared = new Set(four.filter((id) => inSix.has(id)))
  const merged: string[] = []
  for (let i = 0, j = 0; i < four.length || j < six.length; ) {
    if (i < four.length && !shared.has(four[i]!)) merged.push(four[i++]!)
    else if (j < six.length && !shared.has(six[j]!)) merged.push(six[j++]!)
    else merged.push(...four.slice(i, ++i), ...six.slice(j, ++j))
  }
  return [...new Set(merged)]
}

function countOf(line: Line | undefined): Count {
  return line === undefined ? zero : { packets: line.packets, bytes: line.bytes }
}
