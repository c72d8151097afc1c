// A program of raw instructions sends the length of each packet to user space.
import { BpfMap, Program, RingBuffer } from 'seawall/bpf'

const map = BpfMap.create({ kind: 'ringbuf', name: 'lengths', keySize: 0, valueSize: 0, maxEntries: 4096 })

/** [operation, registers (source and destination), offset, immediate] */
const code = [
  [0x61, 0x12, 4, 0], // r2 = context->data_end
  [0x61, 0x13, 0, 0], // r3 = context->data
  [0x1f, 0x32, 0, 0], // r2 -= r3
  [0x7b, 0x2a, -8, 0], // stack[-8] = r2
  [0x18, 0x11, 0, map.fd], // r1 = the map
  [0x00, 0x00, 0, 0],
  [0xbf, 0xa2, 0, 0], // r2 = stack
  [0x07, 0x02, 0, -8], // r2 -= 8
  [0xb7, 0x03, 0, 8], // r3 = 8 bytes
  [0xb7, 0x04, 0, 0], // r4 = no flags
  [0x85, 0x00, 0, 130], // bpf_ringbuf_output(r1, r2, r3, r4)
  [0xb7, 0x00, 0, 2], // r0 = XDP_PASS
  [0x95, 0x00, 0, 0], // return r0
] as const
const view = new DataView(new ArrayBuffer(code.length * 8))
code.forEach(([operation, registers, offset, immediate], index) => {
  view.setUint16(index * 8, operation | (registers << 8), true)
  view.setInt16(index * 8 + 2, offset, true)
  view.setInt32(index * 8 + 4, immediate, true)
})
const instructions = new Uint8Array(view.buffer)

using program = await Program.load({ type: 'xdp', name: 'lengths', instructions, license: 'GPL' })
using ring = RingBuffer.open(map)
for (const length of [60, 590, 1514]) program.testRun({ data: new Uint8Array(length) })
ring.consume((record, at) => console.log(`a packet of ${record.getBigUint64(at, true)} bytes`))
map.close()

// Prints:
// a packet of 60 bytes
// a packet of 590 bytes
// a packet of 1514 bytes
