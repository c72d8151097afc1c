// Loads a program from raw instructions; it counts its packets in memory that this process sees too.
import { BpfMap, instruction, MapFlag, Program } from 'seawall/bpf'

const map = BpfMap.create({
  kind: 'array',
  name: 'packets',
  keySize: 4,
  valueSize: 8,
  maxEntries: 1,
  flags: MapFlag.mmapable,
})

const program = await Program.load({
  type: 'xdp',
  name: 'count',
  license: 'Dual BSD/GPL',
  instructions: Buffer.concat([
    instruction({ opcode: 0x18, to: 1, from: 2, immediate: map.fd }), // r1 = memory of the map …
    instruction({ opcode: 0x00 }), // … from its byte 0 on
    instruction({ opcode: 0xb7, to: 2, immediate: 1 }), // r2 = 1
    instruction({ opcode: 0xdb, to: 1, from: 2 }), // lock *(u64 *)r1 += r2
    instruction({ opcode: 0xb7, to: 0, immediate: 2 }), // r0 = XDP_PASS
    instruction({ opcode: 0x95 }), // exit
  ]),
})

const { result } = program.testRun({ data: new Uint8Array(64), repeat: 1000 })
const memory = map.mmap()
console.log(`returned ${result}, counted ${new DataView(memory.buffer, memory.byteOffset).getBigUint64(0, true)}`)

program.close()
map.close()

// Prints:
// returned 2, counted 1000
