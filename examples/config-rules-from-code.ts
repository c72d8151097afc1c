// A configuration is a program, so its rules may come from data. Try: seawall check --config examples/config-rules-from-code.ts
import { defineConfig } from 'seawall'

/** Services that answer far more than they are asked, by source port. */
const reflectors = { chargen: 19, ntp: 123, cldap: 389, ssdp: 1900, memcached: 11211 }

const rules = Object.entries(reflectors).map(([id, port]) => ({ id, drop: `udp.srcport == ${port}` }))

export default defineConfig({ interfaces: ['eth0'], firewall: { rules } })

for (const { id, drop } of rules) console.log(`${id}: drop if ${drop}`)

// Prints:
// chargen: drop if udp.srcport == 19
// ntp: drop if udp.srcport == 123
// cldap: drop if udp.srcport == 389
// ssdp: drop if udp.srcport == 1900
// memcached: drop if udp.srcport == 11211
