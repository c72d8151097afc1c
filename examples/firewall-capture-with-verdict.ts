// Needs root. Captures packets with what became of them and why, and writes a file that Wireshark reads. As no network is at hand, two packets go
// through the entry program by test runs.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Program } from 'seawall/bpf'
import { type CapturedPacket, Firewall } from 'seawall/firewall'
import { createNetns, ipBatch, mountBpffs, removeNetns } from 'seawall/linux'
import { buildPacket, ethernet, ipv4, udp, writePcapng } from 'seawall/net'
import { parseRules } from 'seawall/rules'

const netns = `seawall-example-${process.pid}`
const folder = mkdtempSync(join(tmpdir(), 'seawall-example-'))
const paths = { bpf: `/sys/fs/bpf/${netns}`, run: folder, netns }
const firewall = new Firewall(paths)
const packetTo = (dstport: number) =>
  buildPacket(ethernet(), ipv4({ src: '192.0.2.1', dst: '198.51.100.1' }), udp({ dstport }))

mountBpffs()
createNetns(netns)
try {
  ipBatch(netns, ['link add sea0 type veth peer name sea1'])
  const interfaces = [{ name: 'sea0', mode: 'auto' }] as const
  const rules = parseRules('no-chargen: drop if udp.dstport == 19')
  await firewall.apply({ desired: { interfaces, malformed: 'drop', rules, sets: new Map() }, digest: 'example' })

  const { id } = await firewall.capture({ expr: 'udp' })
  using entry = Program.openPinned(join(paths.bpf, 'entry'))
  for (const port of [19, 53]) entry.testRun({ data: packetTo(port) })

  const reader = firewall.openCapture(id)
  const packets: CapturedPacket[] = []
  for await (const batch of reader.batches(AbortSignal.abort())) packets.push(...batch)
  reader.close()
  await firewall.undo(id)

  for (const { verdict, decidedBy, length } of packets) console.log(`${verdict} by ${decidedBy}, ${length} bytes`)
  const commented = packets.map((one) => ({ ...one, comment: `verdict=${one.verdict} rule=${one.decidedBy}` }))
  writeFileSync(join(folder, 'captured.pcapng'), writePcapng(commented, [{ name: 'sea0' }]))
} finally {
  await firewall.down()
  removeNetns(netns)
  rmSync(folder, { recursive: true })
}

// Prints:
// drop by no-chargen, 42 bytes
// pass by default, 42 bytes
