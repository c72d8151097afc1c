/** What the maps of the data plane have room for. */
export const limits = {
  backends: 1_023,
  services: 1_023,
  /** Keys by which services are found: one for each address, protocol and port, and one for each address and protocol. */
  keys: 4_096,
  /** Kinds of keys a family, each of which costs a look-up. */
  shapes: 8,
  /** Rows of a bucket table; a power of two. */
  buckets: { from: 256, to: 1_048_576 },
  /** Bytes of all bucket tables together. */
  tables: 64 << 20,
} as const

/** Bytes of a row {current, previous}. */
export const ROW_BYTES = 4
