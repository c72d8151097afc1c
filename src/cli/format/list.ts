import { formatCount } from './numbers.ts'

/** `a, b and 3 more`: at most so many names, all of them if only one would be left out. */
export function formatList(names: readonly string[], most: number): string {
  if (names.length <= most + 1) return names.join(', ')
  return `${names.slice(0, most).join(', ')} and ${formatCount(names.length - most)} more`
}
