import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

const folder = new URL('./golden/', import.meta.url)

/** Compares with `golden/NAME.txt`. With SEAWALL_GOLDEN=write the file is written instead, to be looked at and committed. */
export function assertGolden(name: string, text: string): void {
  const file = new URL(`${name}.txt`, folder)
  if (process.env.SEAWALL_GOLDEN === 'write') return writeFileSync(file, text)
  assert.ok(existsSync(file), `there is no ${file.pathname}: run with SEAWALL_GOLDEN=write, and look at it`)
  assert.equal(text, readFileSync(file, 'utf8'))
}
