// Builds the package into dist/: JavaScript with types, BPF objects, the systemd unit. npm run build
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs'

/** Where the sources look for BPF objects, from the root of a clone as from dist/. */
const OBJECTS = 'build/bpf'

function run(program: string, args: readonly string[]): void {
  const { status, signal, error } = spawnSync(program, args, { stdio: 'inherit' })
  if (status !== 0)
    throw new Error(`Cannot build: ${program} ${args.join(' ')} ended with ${error?.message ?? signal ?? status}`)
}

rmSync('dist', { recursive: true, force: true })
run('node_modules/.bin/tsc', ['--project', 'tsconfig.build.json'])
run(process.execPath, [...process.execArgv, 'tools/build-bpf.ts'])
mkdirSync(`dist/${OBJECTS}`, { recursive: true })
for (const file of readdirSync(OBJECTS))
  if (file.endsWith('.bpf.o')) cpSync(`${OBJECTS}/${file}`, `dist/${OBJECTS}/${file}`)
cpSync('systemd', 'dist/systemd', { recursive: true })
chmodSync('dist/src/cli/main.js', 0o755)
console.log('built dist/')
