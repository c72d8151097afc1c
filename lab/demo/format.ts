/** `431 k`, `1.2 M`, `87`: three digits or fewer. */
export function short(value: number): string {
  if (value >= 999_500) return `${(value / 1e6).toFixed(value >= 9_950_000 ? 0 : 1)} M`
  if (value >= 1000) return `${(value / 1000).toFixed(value >= 9950 ? 0 : 1)} k`
  return value.toFixed(0)
}

/** A part of a whole in percent; rounded down, so that only all is 100. */
export function share(part: number, whole: number): string {
  if (whole === 0) return '–'
  const percent = Math.floor((part / whole) * 10_000) / 100
  return `${percent.toFixed(percent >= 99 && percent < 100 ? 2 : 1)} %`
}

export function milliseconds(value: number | null): string {
  if (value === null) return '–'
  return `${value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)} ms`
}

const BARS = '▁▂▃▄▅▆▇█'

/** One character a value, from 0 to `top`; values are joined until there are at most `width`. */
export function sparkline(values: readonly number[], top: number, width: number): string {
  const each = Math.max(1, Math.ceil(values.length / width))
  let line = ''
  for (let from = 0; from < values.length; from += each) {
    const some = values.slice(from, from + each)
    const mean = some.reduce((sum, value) => sum + value, 0) / some.length
    const level = top > 0 ? Math.round((mean / top) * (BARS.length - 1)) : 0
    line += BARS[Math.max(0, Math.min(BARS.length - 1, level))]
  }
  return line
}
