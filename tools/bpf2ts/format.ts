import { spawnSync } from 'node:child_process'

/** TypeScript as Biome lays it out, so that generated files look like all others. */
export function format(text: string, path: string): string {
  const run = spawnSync('node_modules/.bin/biome', ['format', `--stdin-file-path=${path}`], {
    input: text,
    encoding: 'utf8',
  })
  if (run.status === 0) return run.stdout
  throw new Error(`Cannot format ${path}: ${run.stderr || run.error?.message}`)
}
