import type { Session } from '../session.ts'

export type Facts = readonly (readonly [name: string, value: string])[]

/** Facts one a line, names in a column. */
export function formatFacts({ colors }: Session, rows: Facts): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `${colors.dim(name.padEnd(width))}  ${value}\n`).join('')
}
