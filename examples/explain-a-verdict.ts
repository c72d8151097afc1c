// Which rule decides about a packet? The evaluator needs neither root nor a kernel.
import { buildPacket, ethernet, ipv4, udp } from 'seawall/net'
import { evaluate, parseRules } from 'seawall/rules'

const rules = parseRules(`
office: pass if ip.src in {192.0.2.0/24}
reflection: drop if udp.srcport in {19, 123, 1900}
`)

for (const src of ['192.0.2.7', '198.51.100.7']) {
  const packet = buildPacket(ethernet({}), ipv4({ src, dst: '203.0.113.1' }), udp({ srcport: 123, dstport: 4242 }))
  const decision = evaluate({ rules, malformed: 'drop' }, packet, { sets: { has: () => false } })
  console.log(`${src}: ${decision.verdict}, by ${decision.rule}`)
}

// Prints:
// 192.0.2.7: pass, by office
// 198.51.100.7: drop, by reflection
