// Reads what a program writes into a ring buffer, on the event loop, without a call for each record.
import { BpfMap, instruction, Program, RingBuffer } from 'seawall/bpf'

const map = BpfMap.create({ kind: 'ringbuf', name: 'events', keySize: 0, valueSize: 0, maxEntries: 4096 })

const program = await Program.load({
  type: 'xdp',
  name: 'report',
  license: 'Dual BSD/GPL',
  instructions: Buffer.concat([
    instruction({ opcode: 0x7a, to: 10, offset: -8, immediate: 42 }), // *(u64 *)(stack - 8) = 42
    instruction({ opcode: 0x18, to: 1, from: 1, immediate: map.fd }), // r1 = the map …
    instruction({ opcode: 0x00 }), // … (its upper half)
    instruction({ opcode: 0xbf, to: 2, from: 10 }), // r2 = stack
    instruction({ opcode: 0x07, to: 2, immediate: -8 }), // r2 -= 8
    instruction({ opcode: 0xb7, to: 3, immediate: 8 }), // r3 = 8 bytes
    instruction({ opcode: 0xb7, to: 4, immediate: 0 }), // r4 = no flags
    instruction({ opcode: 0x85, immediate: 130 }), // bpf_ringbuf_output(r1, r2, r3, r4)
    instruction({ opcode: 0xb7, to: 0, immediate: 1 }), // r0 = XDP_DROP
    instruction({ opcode: 0x95 }), // exit
  ]),
})

const ring = RingBuffer.open(map)
program.testRun({ data: new Uint8Array(64), repeat: 3 })

let count = 0
for await (const record of ring.records()) {
  console.log(`record of ${record.length} bytes: ${record[0]}`)
  if (++count === 3) break
}

ring.close()
program.close()
map.close()

// Prints:
// record of 8 bytes: 42
// record of 8 bytes: 42
// record of 8 bytes: 42
