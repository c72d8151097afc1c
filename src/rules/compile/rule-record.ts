/** Byte offsets in the record that each row of a deciding rule has in the tables. */
export const RuleRecord = {
  /** u32, place of the rule in the rule set; the lowest wins. */
  rank: 0,
  /** u32, slot in `counters`. */
  slot: 4,
  /** u32, 1 if the rule drops. */
  drops: 8,
  size: 16,
} as const
