// A program compiled from C is loaded, runs, and its map is read with types.
import { readFileSync } from 'node:fs'
import { BpfObject, type Codec, typed, U32 } from 'seawall/bpf'

/** `struct traffic` of bpf/entry.bpf.c. */
const Traffic: Codec<{ packets: bigint; bytes: bigint }> = {
  size: 16,
  read: (view, at) => ({ packets: view.getBigUint64(at, true), bytes: view.getBigUint64(at + 8, true) }),
  write: (view, at, value) => {
    view.setBigUint64(at, value.packets, true)
    view.setBigUint64(at + 8, value.bytes, true)
  },
}

const object = await BpfObject.load(readFileSync('build/bpf/entry.bpf.o'))
const received = typed(object.map('received'), U32, Traffic)

const packet = new Uint8Array(60)
const { result } = object.program('entry').testRun({ data: packet, repeat: 1000 })
console.log(`verdict: ${result === 2 ? 'pass' : result}`)

// The map is per CPU: one value for each.
const counts = received.getPerCpu(0) ?? []
console.log(`packets: ${counts.reduce((sum, { packets }) => sum + packets, 0n)}`)
console.log(`bytes: ${counts.reduce((sum, { bytes }) => sum + bytes, 0n)}`)
object.close()

// Prints:
// verdict: pass
// packets: 1000
// bytes: 60000
