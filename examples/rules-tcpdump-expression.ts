// A tcpdump expression as a condition: libpcap (Debian package libpcap0.8) compiles it, Seawall runs it in the kernel.
import { buildPacket, ethernet, ipv4, tcp } from 'seawall/net'
import { drop, evaluate, field, pcap, range } from 'seawall/rules'

const longSyn = pcap('tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn and len > 60')
const rules = [drop(longSyn.and(field.tcp.dstport.in(80, range(8000, 8999))), { id: 'syn-with-data' })]

for (const payload of ['', 'GET / HTTP/1.1']) {
  const packet = buildPacket(ethernet(), ipv4(), tcp({ dstport: 80, flags: 0x02 }), payload)
  const { verdict } = evaluate({ rules, malformed: 'drop' }, packet, { sets: { has: () => false } })
  console.log(`${packet.length} bytes: ${verdict}`)
}

// Prints:
// 54 bytes: pass
// 68 bytes: drop
