/** What the rivals of netfilter are asked to drop: UDP from an address to a port. */
export interface NetfilterRule {
  readonly source: string
  readonly port: number
}

/** `count` rules of which only the last matches packets of `last`. */
export function rulesEndingWith(last: NetfilterRule, count: number): NetfilterRule[] {
  const others = Array.from({ length: count - 1 }, (_, i) => ({
    source: `10.98.${i >> 8}.${i & 255}`,
    port: last.port,
  }))
  return [...others, last]
}
