// Runs the checks: npm run check [-- NAME…]. Each is a function from the tree to a list of problems.
import { spawnSync } from 'node:child_process'
import { inspect } from 'node:util'
import pc from 'picocolors'
import { checkDocs } from './check-docs.ts'
import { checkExports } from './check-exports.ts'
import { checkFunctions } from './check-functions.ts'
import { checkGenerated } from './check-generated.ts'
import { checkLayers } from './check-layers.ts'
import { checkLockfile } from './check-lockfile.ts'
import { checkNames } from './check-names.ts'
import { checkText } from './check-text.ts'

type Check = (root: string) => readonly string[] | Promise<readonly string[]>

const checks: Readonly<Record<string, Check>> = {
  types: (root) => runTool(root, 'tsc', ['--project', '.', '--pretty', 'false']),
  lint: (root) => runTool(root, 'biome', ['ci', '--colors=off', '--max-diagnostics=50', '.']),
  layers: checkLayers,
  names: checkNames,
  functions: checkFunctions,
  exports: checkExports,
  generated: checkGenerated,
  lockfile: checkLockfile,
  text: checkText,
  docs: checkDocs,
}

/** A program of node_modules that says what is wrong and exits with another code than 0. */
function runTool(root: string, name: string, args: readonly string[]): string[] {
  const run = spawnSync(`node_modules/.bin/${name}`, args, { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 })
  return run.status === 0
    ? []
    : [`${run.stdout ?? ''}${run.stderr ?? ''}${run.error?.message ?? ''}`.trim() || `${name} failed`]
}

/** A check that throws has not said that all is well. */
async function problemsOf(check: Check): Promise<readonly string[]> {
  try {
    return await check(process.cwd())
  } catch (error) {
    return [inspect(error)]
  }
}

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.find((name) => !(name in checks))
  if (unknown !== undefined) {
    console.error(`Cannot check "${unknown}": there are ${Object.keys(checks).join(', ')}`)
    return 2
  }
  let failed = 0
  for (const [name, check] of Object.entries(checks)) {
    if (names.length > 0 && !names.includes(name)) continue
    const begin = performance.now()
    const problems = await problemsOf(check)
    const seconds = pc.dim(`(${((performance.now() - begin) / 1000).toFixed(1)} s)`)
    console.log(problems.length === 0 ? `${pc.green('✓')} ${name} ${seconds}` : `${pc.red('✗')} ${name} ${seconds}`)
    for (const problem of problems) console.log(problem.replace(/^/gm, '  '))
    if (problems.length > 0) failed++
  }
  console.log(failed === 0 ? 'all checks passed' : `${failed} of the checks failed`)
  return failed === 0 ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
