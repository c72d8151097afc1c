import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { buildPacket, type Content, ethernet, extension, fragment, ipv4, ipv6, udp, vlan } from '../../src/net/build.ts'
import { malformedSlot, PASSED_BY_DEFAULT } from '../../src/rules/counters.ts'
import { parseRule } from '../../src/rules/index.ts'
import { type LoadedRules, slotOf } from '../support/load-rules.ts'
import { PacketRunner } from '../support/packet-runner.ts'

// The ways past a rule that other XDP firewalls leave open, all tried against one rule.
const rule = { ...parseRule('drop if udp.dstport == 4242'), id: 'port' }

let runner: PacketRunner
let rules: LoadedRules

before(async () => {
  runner = await PacketRunner.create()
  rules = await runner.load({ rules: [rule], malformed: 'drop' }, new Map())
})

after(() => {
  rules.close()
  runner.close()
})

const port = udp({ srcport: 12345, dstport: 4242 })
/** What a UDP header to the port looks like, as the data of a later fragment. */
const lookalike = Uint8Array.of(0x30, 0x39, 0x10, 0x92, 0, 40, 0, 0, ...new Uint8Array(24))
const payload = new Uint8Array(32)
const repeated = (count: number): Content[] => Array.from({ length: count }, () => extension(60))

const dropped = { slot: slotOf(0), verdict: 1 }
const passed = { slot: PASSED_BY_DEFAULT, verdict: 2 }
const malformed = (reason: keyof typeof malformedSlot) => ({ slot: malformedSlot[reason], verdict: 1 })

const cases: readonly [name: string, layers: readonly Content[], wanted: { slot: number; verdict: number }][] = [
  ['plain IPv4', [ipv4(), port, payload], dropped],
  ['IPv4 options', [ipv4({ options: Uint8Array.of(0x94, 4, 0, 0) }), port, payload], dropped],
  ['one VLAN tag', [vlan(), ipv4(), port, payload], dropped],
  ['two VLAN tags', [vlan({ tag: 0x88a8 }), vlan(), ipv4(), port, payload], dropped],
  ['three VLAN tags', [vlan(), vlan(), vlan(), ipv4(), port, payload], malformed('vlan_depth')],
  ['a first IPv4 fragment', [ipv4({ flags: 1 }), port, payload], dropped],
  ['a later IPv4 fragment that looks like the port', [ipv4({ protocol: 17, fragmentOffset: 64 }), lookalike], passed],
  ['a UDP header cut to 4 bytes', [ipv4({ protocol: 17 }), lookalike.slice(0, 4)], malformed('udp_truncated')],
  ['plain IPv6', [ipv6(), port, payload], dropped],
  ['IPv6 hop-by-hop options', [ipv6(), extension(0), port, payload], dropped],
  ['IPv6 destination options and routing', [ipv6(), extension(60), extension(43), port, payload], dropped],
  ['a first IPv6 fragment', [ipv6(), fragment({ more: true }), port, payload], dropped],
  [
    'a later IPv6 fragment that looks like the port',
    [ipv6(), fragment({ offset: 64, nextHeader: 17 }), lookalike],
    passed,
  ],
  ['8 IPv6 extension headers', [ipv6(), ...repeated(8), port, payload], dropped],
  ['9 IPv6 extension headers', [ipv6(), ...repeated(9), port, payload], malformed('ipv6_ext_depth')],
]

for (const [name, layers, wanted] of cases)
  test(`a rule about a UDP port is right about ${name}`, () => {
    const packet = buildPacket(ethernet(), ...layers)
    assert.deepEqual(runner.run(rules, [packet])[0], wanted)
  })
