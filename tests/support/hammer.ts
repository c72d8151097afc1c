// Runs the program of an id on a packet (hexadecimal) again and again, for a minute at most: hammer.ts ID PACKET
import { Program } from '../../src/bpf/index.ts'

const [id, packet] = process.argv.slice(2)
const program = Program.openId(Number(id))
const data = Buffer.from(packet!, 'hex')
const end = Date.now() + 60_000
console.log('running')
while (Date.now() < end) program.testRun({ data, repeat: 200_000 })
