import { spawnSync } from 'node:child_process'
import { ipBatch } from '../../src/linux/interface.ts'
import { createNetns, inNetns, removeNetns } from '../../src/linux/netns.ts'

/**
 * A wire from a namespace to a new one: `wire0` has 10.97.0.1 and fd97::1, `wire1` on the other side 10.97.0.2, 10.97.0.3, fd97::2 and
 * fd97:0:0:1::2. Addresses are there at once, without detection of duplicates.
 */
export class ClientWire {
  readonly client: string

  constructor(netns: string) {
    this.client = `${netns}-client`
    createNetns(this.client)
    const six = ['disable_ipv6=0', 'accept_dad=0'].map((setting) => `net.ipv6.conf.default.${setting}`)
    for (const each of [netns, this.client]) inNetns(each, () => spawnSync('sysctl', ['-qw', ...six]))
    ipBatch(netns, [
      `link add wire0 type veth peer name wire1 netns ${this.client}`,
      'address add 10.97.0.1/24 dev wire0',
      'address add fd97::1/48 dev wire0 nodad',
      'link set wire0 up',
    ])
    const addresses = ['10.97.0.2/24', '10.97.0.3/24', 'fd97::2/48', 'fd97:0:0:1::2/48']
    ipBatch(this.client, [...addresses.map((each) => `address add ${each} dev wire1 nodad`), 'link set wire1 up'])
  }

  remove(): void {
    removeNetns(this.client)
  }
}
