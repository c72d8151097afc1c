/** `1234567` as `1,234,567`. */
export function formatCount(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

const binary = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** Bytes with a binary unit and at most one decimal: `1536` is `1.5 KiB`. */
export function formatBytes(value: number): string {
  let unit = 0
  let scaled = value
  while (scaled >= 1024 && unit < binary.length - 1) {
    scaled /= 1024
    unit += 1
  }
  const digits = unit === 0 || scaled >= 100 ? 0 : 1
  return `${scaled.toFixed(digits)} ${binary[unit]}`
}

/** A rate with a decimal prefix: `1234567` is `1.23M`. */
export function formatRate(value: number): string {
  const [divisor, suffix] = value >= 1e9 ? [1e9, 'G'] : value >= 1e6 ? [1e6, 'M'] : value >= 1e4 ? [1e3, 'k'] : [1, '']
  const scaled = value / divisor
  const digits = divisor === 1 ? 0 : scaled >= 100 ? 0 : scaled >= 10 ? 1 : 2
  return `${scaled.toFixed(digits)}${suffix}`
}

/** Part of a whole in percent: `12.3%`; `-` of nothing. */
export function formatShare(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)}%`
}

/** `1 rule`, `2 rules`, `0 rules`. */
export function plural(count: number, singular: string, many = `${singular}s`): string {
  return `${formatCount(count)} ${count === 1 ? singular : many}`
}
