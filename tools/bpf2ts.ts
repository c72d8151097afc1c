// Writes TypeScript for the types, maps, programs and variables of BPF programs. With --check it only compares.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { generate, generatedOf } from './bpf2ts/generate.ts'
import { buildBpf, sourcesOf } from './build-bpf.ts'

/** Fixtures that stand for mistakes have no generated file. */
const WITHOUT = /\/refused-[^/]*$/

function main(check: boolean): void {
  buildBpf({ root: '.', say: console.log })
  for (const source of sourcesOf('.').filter((one) => !WITHOUT.test(one))) {
    const path = generatedOf(source)
    const text = generate(source)
    if (existsSync(path) && readFileSync(path, 'utf8') === text) continue
    if (check) {
      console.error(`${path} is not what ${source} makes (node --import tsx tools/bpf2ts.ts)`)
      process.exitCode = 1
      continue
    }
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    console.log(`${source} → ${path}`)
  }
}

try {
  main(process.argv.includes('--check'))
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
