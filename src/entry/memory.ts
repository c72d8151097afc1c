import { BpfMap, MapFlag } from '../bpf/index.ts'

/** An array map with one value that user space sees as memory. */
export function createMemory(name: string, bytes: number): BpfMap {
  return BpfMap.create({
    kind: 'array',
    name: kernelName(name),
    keySize: 4,
    valueSize: roundUp8(bytes),
    maxEntries: 1,
    flags: MapFlag.mmapable,
  })
}

/** What the kernel takes as a name: 15 letters, digits, `_` and `.`. */
export function kernelName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_.]/g, '_').slice(0, 15)
}

function roundUp8(bytes: number): number {
  return Math.ceil(bytes / 8) * 8
}
