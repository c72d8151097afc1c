// Loads an object and a program with ever more descriptors left, and prints how each went. For tests/kernel/bpf-object.test.ts.
import { closeSync, openSync, readFileSync } from 'node:fs'
import { BpfError, BpfObject, Program } from '../../src/bpf/index.ts'
import { heldDescriptors } from './held-descriptors.ts'

const image = readFileSync('build/tests/fixtures/shapes.bpf.o')
const instructions = Uint8Array.of(0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0)
/** A stale number that is closed or copied may be a filler's, so these are looked at too. */
const held = (): string => heldDescriptors(/bpf|btf|\/dev\/null/).join(' ')

async function outcome(load: () => Promise<{ close(): void }>): Promise<string> {
  try {
    const loaded = await load()
    loaded.close()
    return 'loaded'
  } catch (error) {
    return error instanceof BpfError ? `${error.code} ${error.errno}` : String(error)
  }
}

const loads = [
  () => BpfObject.load(image),
  () => Program.load({ type: 'xdp', name: 'pass', instructions, license: 'GPL' }),
] as const
for (const load of loads) await outcome(load)
const before = held()
const fillers: number[] = []
try {
  for (;;) fillers.push(openSync('/dev/null', 'r'))
} catch {
  // None is left.
}
const outcomes: string[] = []
for (let left = 0; left < 24 && fillers.length > 0; left++) {
  for (const load of loads) outcomes.push(await outcome(load))
  closeSync(fillers.pop()!)
}
for (const fd of fillers) closeSync(fd)
console.log(JSON.stringify({ outcomes: [...new Set(outcomes)].sort(), before, after: held() }))
