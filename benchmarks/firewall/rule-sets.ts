import type { Rule, RuleSet } from '../../src/rules/ast.ts'
import { parseRule } from '../../src/rules/index.ts'

/** Rules by their texts, under the ids r0, r1, … */
export function ruleSetOf(texts: readonly string[]): RuleSet {
  const rules: Rule[] = texts.map((text, i) => ({ ...parseRule(text), id: `r${i}` }))
  return { rules, malformed: 'drop' }
}

/** What the benchmarks' packets are not: sources of 10.99.0.0/16 and ports from 4,000 up are left alone. */
const SHAPES: readonly ((i: number) => string)[] = [
  (i) => `drop if ip.src in {10.${i % 90}.${(i * 7) % 256}.0/24} and udp.dstport == ${1 + (i % 3000)}`,
  (i) => `drop if ip.src == 172.16.${(i * 3) % 256}.${(i * 11) % 256} and tcp.dstport == ${1 + (i % 2000)}`,
  (i) => `drop if ip.dst == 198.51.100.${i % 256} and udp.srcport in {${1 + (i % 1000)}-${100 + (i % 1000)}}`,
  (i) => `drop if ip.src in {192.168.${i % 256}.0/26} and ip.proto == ${1 + (i % 5)}`,
  (i) => `drop if tcp.flags & 0x3f == 0x${((i % 14) + 1).toString(16)} and tcp.dstport == ${3000 + (i % 900)}`,
  (i) => `drop if ip.src in {100.64.${i % 256}.0/25} and ip.dst in {203.0.113.${((i * 5) % 248) & 248}/29}`,
  (i) => `drop if ip.src in {2001:db8:${(i % 4096).toString(16)}::/48} and udp.dstport == ${53 + (i % 7)}`,
  (i) => `drop if udp.dstport == ${1 + ((i * 13) % 3900)} and frame.len > ${1000 + (i % 400)}`,
]

/** `count` rules of mixed shapes (prefixes, ports, ranges, protocols, flags, both families), none for the benchmarks' packets. */
export const mixedRules = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => SHAPES[i % SHAPES.length]!(i))
