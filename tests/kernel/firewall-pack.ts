/** Values with big numbers and maps as text for a command line, and back. */
export const pack = (value: unknown): string =>
  JSON.stringify(value, (_, one: unknown) => {
    if (typeof one === 'bigint') return { $bigint: String(one) }
    return one instanceof Map ? { $map: [...one] } : one
  })

export const unpack = (text: string): unknown =>
  JSON.parse(text, (_, one: { $bigint?: string; $map?: [unknown, unknown][] } | null) => {
    if (one?.$bigint !== undefined) return BigInt(one.$bigint)
    return one?.$map === undefined ? one : new Map(one.$map)
  })
