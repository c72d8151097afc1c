import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BPFFS, isBpffs } from '../../src/linux/bpffs.ts'
import { listNetns } from '../../src/linux/netns.ts'
import { type Ended, ended, start } from '../../src/linux/process.ts'

/** The command line of a demo. */
export const demoCommand = (...args: readonly string[]): readonly [string, ...string[]] => [
  process.execPath,
  '--import',
  'tsx',
  'lab/demo/main.ts',
  ...args,
]

function startDemo(...args: readonly string[]): ChildProcess {
  const [program, ...rest] = demoCommand(...args)
  return start(program, rest)
}

export async function runDemo(...args: readonly string[]): Promise<Ended & { readonly pid: number }> {
  const child = startDemo(...args)
  return { ...(await ended(child)), pid: child.pid! }
}

/** What a demo left behind. */
export function leftBy(pid: number): string[] {
  const places = [listNetns(), readdirSync(tmpdir()), isBpffs(BPFFS) ? readdirSync(BPFFS) : []]
  return places.flat().filter((name) => name.startsWith(`seawall-lab-${pid}-`))
}

/** Runs a demo that writes a picture, which is read when it has ended. */
export async function runPicturedDemo(...args: readonly string[]) {
  const directory = mkdtempSync(join(tmpdir(), 'seawall-demo-test-'))
  const svg = join(directory, 'demo.svg')
  try {
    const done = await runDemo(...args, '--svg', svg)
    return { ...done, picture: existsSync(svg) ? readFileSync(svg, 'utf8') : '' }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Interrupts a demo, as Ctrl-C does, once it has said something. */
export async function interruptDemo(said: string, ...args: readonly string[]) {
  const child = startDemo(...args)
  child.stdout?.on('data', (text: Buffer) => text.includes(said) && child.kill('SIGINT'))
  return { ...(await ended(child)), pid: child.pid! }
}

/** What `--json` writes, in the last line. */
export const lastLine = (stdout: string): unknown => JSON.parse(stdout.trimEnd().split('\n').at(-1)!)
