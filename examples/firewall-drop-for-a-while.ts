// Needs root. Puts a firewall on an interface of a namespace, drops something for a few seconds, and asks the program in the
// kernel about a packet before and after. Nothing removes the rule: it knows its own time.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Firewall } from 'seawall/firewall'
import { createNetns, ipBatch, mountBpffs, removeNetns } from 'seawall/linux'
import { buildPacket, ethernet, ipv4, udp } from 'seawall/net'

const netns = `seawall-example-${process.pid}`
const run = mkdtempSync(join(tmpdir(), 'seawall-example-'))
const firewall = new Firewall({ bpf: `/sys/fs/bpf/${netns}`, run, netns })
const packet = buildPacket(ethernet(), ipv4({ src: '192.0.2.1', dst: '198.51.100.1' }), udp({ dstport: 4242 }))

mountBpffs()
createNetns(netns)
try {
  ipBatch(netns, ['link add sea0 type veth peer name sea1'])
  const interfaces = [{ name: 'sea0', mode: 'auto' }] as const
  await firewall.apply({ desired: { interfaces, malformed: 'drop', rules: [], sets: new Map() }, digest: 'example' })

  await firewall.drop({ expr: 'udp.dstport == 4242', id: 'for-a-while', forMs: 3_000 })
  const {
    probes: [now],
  } = await firewall.probe([packet])
  await sleep(3_100)
  const {
    probes: [later],
  } = await firewall.probe([packet])
  console.log(`at once: ${now?.verdict} by ${now?.decidedBy}; later: ${later?.verdict} by ${later?.decidedBy}`)
} finally {
  await firewall.down()
  removeNetns(netns)
  rmSync(run, { recursive: true })
}

// Prints:
// at once: drop by for-a-while; later: pass by default
