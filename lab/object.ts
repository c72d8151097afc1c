import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { BpfObject } from '../src/bpf/index.ts'

/**
 * Loads `lab/bpf/<name>.bpf.c` into the kernel, as compiled by tools/build-bpf.ts.
 *
 * @throws Error when it was not compiled, and whatever BpfObject.load throws.
 */
export function loadLabObject(name: string): Promise<BpfObject> {
  const path = fileURLToPath(new URL(`../build/lab/bpf/${name}.bpf.o`, import.meta.url))
  return BpfObject.load(read(path), { name })
}

function read(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (cause) {
    throw new Error(`Cannot read "${path}": the lab's programs are not compiled (npm run build:bpf)`, { cause })
  }
}
