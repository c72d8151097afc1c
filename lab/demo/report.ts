import { writeFileSync } from 'node:fs'
import { requireCapabilities } from '../../src/linux/capabilities.ts'
import type { SceneOptions } from './options.ts'

/** What came of a scene. */
export interface Outcome {
  /** Table and sentences. */
  readonly text: string
  /** What was promised and not kept. */
  readonly broken: readonly string[]
  /** For `--json`. */
  readonly figures: object
  readonly svg: () => string
}

/** @throws LinuxError PRIVILEGE_MISSING */
export function requireRoot(): void {
  requireCapabilities(
    ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN', 'CAP_BPF'],
    'making network namespaces and loading eBPF programs for the demo',
  )
}

/** Says what came of a scene. Returns the exit code: 0 if all was kept that was promised. */
export function report(
  screen: { say(text: string): void },
  { json, svg }: SceneOptions,
  { text, broken, figures, svg: draw }: Outcome,
): number {
  screen.say(`\n${text}`)
  if (svg !== undefined) {
    writeFileSync(svg, draw())
    screen.say(`The picture of this run is in ${svg}`)
  }
  for (const problem of broken) process.stderr.write(`Promise not kept: ${problem}\n`)
  if (json) process.stdout.write(`${JSON.stringify(figures)}\n`)
  return broken.length === 0 ? 0 : 1
}
