// Runs the tests of what depends on Node on its other supported versions: node --import tsx tools/test-node-versions.ts
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The binaries come from the package registry, as packages without scripts, into build/node/VERSION. */
const { versions } = JSON.parse(readFileSync(new URL('node-versions.json', import.meta.url), 'utf8')) as {
  versions: string[]
}

/** Memory of others, files, processes, sockets and modules; what only reckons is the same everywhere. */
const TESTS = [
  'src/bpf/',
  'src/linux/',
  'src/net/',
  'src/entry/',
  'src/config/',
  'src/agent/',
  'src/cli/',
  'src/balancer/fleet/',
  'src/balancer/health/',
  'tests/kernel/bpf',
]

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): boolean {
  return spawnSync(program, args, { stdio: 'inherit', env }).status === 0
}

function install(version: string): string {
  const folder = join('build/node', version)
  const name = `node-linux-${process.arch}`
  const binary = join(folder, 'node_modules', name, 'bin/node')
  if (existsSync(binary)) return binary
  console.log(`installing Node ${version} into ${folder}`)
  mkdirSync(folder, { recursive: true })
  const options = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  if (!run('npm', ['install', '--prefix', folder, ...options, `${name}@${version}`]))
    throw new Error(`Cannot install Node ${version}`)
  return binary
}

const failed = versions.filter((version) => {
  const node = install(version)
  console.log(`== Node ${version}`)
  return !run(node, ['--import', 'tsx', 'tools/test.ts', ...TESTS])
})
if (failed.length > 0) console.error(`failed on Node ${failed.join(', ')}`)
process.exitCode = failed.length > 0 ? 1 : 0
