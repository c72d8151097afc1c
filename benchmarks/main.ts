// Runs the benchmarks: npm run bench -- [NAME…] [--json] [--smoke]
import { readdirSync } from 'node:fs'
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import pc from 'picocolors'
import { listNetns, removeNetns } from '../src/linux/netns.ts'
import { type Bench, smoke, thorough } from './harness/bench.ts'
import type { Result } from './harness/result.ts'
import { formatTable } from './harness/table.ts'

const folder = new URL('.', import.meta.url)

/** Every other file here is a benchmark, of the name that its file has. */
function benchmarkNames(): string[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.ts') && file !== 'main.ts')
  return files.map((file) => basename(file, '.ts')).sort()
}

async function runBench(name: string, short: boolean): Promise<Result[]> {
  const { bench } = (await import(new URL(`${name}.ts`, folder).href)) as { bench: Bench }
  const results: Result[] = []
  const say = (text: string): void => console.error(pc.dim(`${name}: ${text}`))
  say('running')
  for await (const result of bench({ ...(short ? smoke : thorough), say })) {
    const { value, unit, floor } = result
    say(`${result.case}, ${result.keys}: ${value.min} ${unit}${floor ? `, floor ${floor.min}` : ''}`)
    results.push(result)
  }
  return results
}

/** Benchmarks clean up after themselves unless they are interrupted; their namespaces have this process's id in the name. */
function cleanUpWhenInterrupted(): void {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => {
      const own = new RegExp(`^seawall-.*\\b${process.pid}\\b`)
      for (const name of listNetns()) if (own.test(name)) removeNetns(name)
      process.exit(code)
    })
  }
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'boolean', default: false }, smoke: { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  const all = benchmarkNames()
  const unknown = positionals.find((name) => !all.includes(name))
  if (unknown !== undefined) {
    console.error(`Cannot run the benchmark "${unknown}": there are ${all.join(', ')}`)
    return 2
  }
  if (process.getuid?.() !== 0) {
    console.error('Cannot run the benchmarks: root is needed, to load eBPF programs and to make network namespaces')
    return 1
  }
  cleanUpWhenInterrupted()
  const results: Result[] = []
  for (const name of positionals.length > 0 ? positionals : all) results.push(...(await runBench(name, values.smoke)))
  const table = formatTable(results)
  if (values.json) console.error(table)
  else console.log(table)
  if (values.json) console.log(JSON.stringify(results))
  return !values.smoke && results.some((result) => result.met === false) ? 1 : 0
}

process.exitCode = await main()
