import { defineConfig } from 'seawall'

export default defineConfig({
  interfaces: ['eth0'],
  firewall: {
    sets: {
      clients: { file: 'sets/clients.txt' },
      botnet: { file: 'sets/botnet.txt' },
    },
    // What no rule can tell from a good client: SYNs with a client's options, from addresses that do not exist.
    synCookies: { when: { synRate: '2k/s' } },
    rules: [
      // Not needed to protect anything: the demo proves with these two that no rule drops a good client's packet.
      'clients-in: count if ip.src in $clients',

      'fragments: drop if ip.frag',
      'botnet: drop if ip.src in $botnet',
      'reflection: drop if udp.srcport in {17, 19, 123, 389, 1900, 3702, 5353, 11211}',
      'closed-ports: drop if udp and not udp.dstport == 53',
      'random-names: drop if dns.count.labels > 3 and not dns.flags.response',
      'dns-rate: limit 2k/s burst 500 per ip.src/24 if udp.dstport == 53',

      'clients-out: count if ip.src in $clients',
    ],
  },
})
