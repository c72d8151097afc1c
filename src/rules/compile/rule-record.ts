/** Byte offsets in the record that each row of a deciding rule has in the tables. */
export const RuleRecord = {
  /** u32, slot in `counters`. */
  slot: 0,
  /** u32, 1 if the rule drops. */
  drops: 4,
  size: 8,
} as const
