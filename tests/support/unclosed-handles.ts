// Forgets handles, and prints what is open before, in between and after they are collected, and the warnings. For
// tests/kernel/bpf-leaks.test.ts; run with --expose-gc.
import { setTimeout as sleep } from 'node:timers/promises'
import { BpfMap, MapFlag, type Program, RingBuffer } from '../../src/bpf/index.ts'
import { createRing, loadReturning } from '../kernel/bpf-programs.ts'
import { heldDescriptors } from './held-descriptors.ts'

const warnings: string[] = []
process.on('warning', (warning) => {
  const { name, code, message, detail } = warning as Error & { code?: string; detail?: string }
  if (name === 'BpfHandleWarning') warnings.push(`${code} ${message} (${detail})`)
})

/** Returns a view of the memory of a map, which outlives the handle. */
async function forget(): Promise<Uint8Array> {
  const map = BpfMap.create({
    kind: 'array',
    name: 'forgotten',
    keySize: 4,
    valueSize: 8,
    maxEntries: 1,
    flags: MapFlag.mmapable,
  })
  const program = await loadReturning('xdp', 2, 'forgotten')
  program.attachXdp({ ifindex: 1, mode: 'generic' })
  map.mmap()[0] = 7
  return map.mmap()
}

async function close(): Promise<void> {
  using map = createRing(4096)
  using _ring = RingBuffer.open(map)
  using _program: Program = await loadReturning('xdp', 2, 'closed')
}

async function collect(): Promise<void> {
  for (let tries = 0; tries < 200 && (heldDescriptors().length > 0 || warnings.length < 3); tries++) {
    globalThis.gc!()
    await sleep(10)
  }
}

const view = await forget()
await close()
const opened = heldDescriptors().length
await collect()
console.log(JSON.stringify({ opened, after: heldDescriptors(), warnings: warnings.sort(), memory: view[0] }))
