import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { build } from 'esbuild'
import { findFiles } from '../../tools/find-files.ts'

/** What the build makes and tests need. */
const BUILT = ['build/bpf', 'build/lab', 'build/tests']

/** Where something is mounted in a machine. */
const MOUNT_POINTS = ['node_modules', 'build/vm/kernel']

/**
 * Copies the sources, so that a run is of one state of them although they are edited meanwhile, and compiles each `x.ts` into
 * `x.ts.js`.
 */
export async function takeSnapshot(target: string): Promise<void> {
  rmSync(target, { recursive: true, force: true })
  const files = findFiles('.', () => true)
  for (const file of files) {
    mkdirSync(join(target, dirname(file)), { recursive: true })
    cpSync(file, join(target, file))
  }
  for (const folder of BUILT) if (existsSync(folder)) cpSync(folder, join(target, folder), { recursive: true })
  for (const folder of MOUNT_POINTS) mkdirSync(join(target, folder), { recursive: true })
  await build({
    absWorkingDir: resolve(target),
    entryPoints: files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts')),
    outbase: '.',
    outdir: '.',
    outExtension: { '.js': '.ts.js' },
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
  })
}
