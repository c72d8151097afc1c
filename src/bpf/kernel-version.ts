/** Whether a kernel, such as `6.12.9-cloud-amd64`, is not older than another, such as `6.6`. */
export function isAtLeast(release: string, minimum: string): boolean {
  const [found, wanted] = [release, minimum].map(numbers) as [readonly number[], readonly number[]]
  for (const [index, number] of wanted.entries()) {
    const other = found[index] ?? 0
    if (other !== number) return other > number
  }
  return true
}

function numbers(version: string): readonly number[] {
  return (/^[\d.]+/.exec(version)?.[0] ?? '').split('.').map(Number)
}
