import type { ApplyOptions, Control, DropOptions, Status } from '../../src/agent/index.ts'
import type { BackendStatus, BalancerStatus, Impact, ServiceStatus, Where } from '../../src/balancer/index.ts'
import { decidedBy } from '../../src/cli/explain/decided-by.ts'
import type { BindingStatus, DispatchStatus } from '../../src/dispatch/index.ts'
import { SeawallError } from '../../src/entry/errors.ts'
import type {
  ApplyResult,
  CaptureRequest,
  CountersReport,
  FirewallStatus,
  Plan,
  ProbeReport,
  RuleStatus,
  Sample,
} from '../../src/firewall/index.ts'
import { parseAddress } from '../../src/net/address.ts'
import { dissect } from '../../src/net/dissect.ts'
import { parsePrefix, prefixContains } from '../../src/net/prefix.ts'
import { evaluate, parseExpr, parseRule } from '../../src/rules/index.ts'

const rules: readonly RuleStatus[] = [
  rule('night', 'drop if ip.src == 203.0.113.0/24', [12, 1_200], { dynamic: true, expiresInMs: 599_000 }),
  rule('office', 'pass if ip.src in $office', [1_234_567, 987_654_321]),
  rule('reflection', 'drop if udp.srcport in {17 19 123 389 1900 11211}', [98_765_432, 55_123_456_789]),
  rule('dns-flood', 'limit 500/s burst 100 per ip.src/24 if udp.dstport == 53', [4_242, 424_200], {}),
  rule('watch', 'sample 1/1000 if ip', [17, 1_700]),
]

function rule(
  id: string,
  text: string,
  [packets, bytes]: [number, number],
  more: Partial<RuleStatus> = {},
): RuleStatus {
  const action = text.split(' ')[0] as RuleStatus['action']
  return { id, text, action, dynamic: false, count: { packets, bytes }, ...more }
}

const none = { packets: 0, bytes: 0 }

const counters: CountersReport = {
  received: { packets: 110_004_290, bytes: 66_000_000_000 },
  verdicts: {
    pass: { packets: 11_234_593, bytes: 9_000_000_000 },
    drop: { packets: 98_769_697, bytes: 57_000_000_000 },
    tx: none,
  },
  synCookies: { sent: none, valid: none, bad: none, established: none, alarms: 0 },
  byDefault: { packets: 10_000_026, bytes: 8_000_000_000 },
  malformed: { eth_truncated: none, udp_length: { packets: 11, bytes: 660 } },
  rules: Object.fromEntries(rules.map(({ id, count }) => [id, count])),
  retired: { pass: none, drop: none },
  samplesLost: none,
}

const firewall: FirewallStatus = {
  generation: 7,
  previous: 6,
  digest: '0123456789abcdef',
  version: '0.1.0',
  appliedAt: '2026-11-23T11:56:48.000Z',
  malformed: 'drop',
  synCookies: 'off',
  interfaces: [
    {
      name: 'eth0',
      ifindex: 2,
      mode: 'native',
      attached: true,
      up: true,
      received: { packets: 110_004_000, bytes: 66_000_000_000 },
      missed: 3,
    },
    { name: 'wg0', ifindex: 3, mode: 'generic', attached: true, up: true, note: 'the driver has no native XDP' },
  ],
  rules,
  sets: [
    { name: 'office', prefixes: 2, bytes: 4_096 },
    { name: 'bogons', prefixes: 1_000_231, bytes: 12_345_678, file: '/etc/seawall/bogons.txt' },
  ],
  program: { id: 321, tag: 'a04f5eef06a7f555', instructions: 1_234 },
}

const balancer: BalancerStatus = {
  self: 'edge1',
  version: 12,
  conductor: 'edge1',
  services: 2,
  backends: 3,
  pools: 1,
  buckets: 16_384,
  bytes: 1_310_720,
  outcomes: {
    'not-service': 0,
    local: 400_000,
    forwarded: 600_000,
    new: 3_750,
    previous: 250,
    'too-big': 0,
    'bad-tcp-length': 7,
  },
}

const bindings: readonly BindingStatus[] = [
  {
    label: 'web',
    protocol: 'tcp',
    prefix: '192.0.2.0/24',
    port: 'any',
    missing: 'drop',
    spread: 'client',
    flows: 'none',
    idle: '2m',
    dynamic: false,
    count: 1_234,
  },
  {
    label: 'web',
    protocol: 'tcp',
    prefix: '2001:db8::/48',
    port: '443',
    missing: 'pass',
    spread: 'client',
    flows: 'none',
    idle: '2m',
    dynamic: true,
    count: 0,
  },
]

const dispatch: DispatchStatus = {
  bindings: 2,
  destinations: [
    {
      label: 'web',
      protocol: 'tcp',
      family: 4,
      bindings: 1,
      generation: 2,
      sockets: [{ generation: 2, address: '127.0.0.1', port: 8_080, cookie: '4711', pid: 812 }],
      dispatched: 1_230,
      kept: 0,
      missing: 4,
      unusable: 0,
      noted: 0,
    },
    {
      label: 'web',
      protocol: 'tcp',
      family: 6,
      bindings: 1,
      sockets: [],
      dispatched: 0,
      kept: 0,
      missing: 0,
      unusable: 0,
      noted: 0,
    },
  ],
}

const status: Status = {
  running: true,
  agent: { pid: 4_321, adopted: true, startedAt: '2026-11-23T11:00:00.000Z', config: '/etc/seawall/seawall.config.ts' },
  firewall,
  balancer,
  dispatch,
}

const plan: Plan = {
  fresh: false,
  changes: [
    { kind: 'add', what: 'rule', name: 'dns-flood', after: 'limit 500/s if udp.dstport == 53' },
    {
      kind: 'change',
      what: 'rule',
      name: 'office',
      before: 'pass if ip.src == 192.0.2.1',
      after: 'pass if ip.src in $office',
    },
    { kind: 'move', what: 'rule', name: 'watch' },
    { kind: 'remove', what: 'set', name: 'old', before: '12 prefixes' },
    {
      kind: 'change',
      what: 'service',
      name: 'web',
      before: `192.0.2.53/32 tcp 80,443 → ${edges(1, 40)} (gue)`,
      after: `192.0.2.53/32 tcp 80,443 → ${edges(2, 42)} (gue, check http)`,
    },
    {
      kind: 'add',
      what: 'service',
      name: 'dns',
      after: `2001:db8:53::/64 tcp+udp 53 → ${edges(1, 41)} (gue, fragments)`,
    },
    { kind: 'remove', what: 'backend', name: 'edge1', before: '10.0.1.1 weight 1 server id 1' },
    { kind: 'add', what: 'backend', name: 'edge41', after: '10.0.1.41 weight 2.5 server id 41' },
  ],
  rules: 5,
  instructions: 1_234,
  warnings: ['rule "watch" can never match after "office"'],
}

function edges(first: number, end: number): string {
  return Array.from({ length: end - first }, (_, index) => `edge${first + index}`).join(', ')
}

const office = ['192.0.2.0/24', '2001:db8:1::/48'].map(parsePrefix)

/** Answers that never change, so that what commands print of them must not change either. */
export class FixedControl implements Control {
  readonly calls: string[] = []
  #status: Status

  constructor(changes: Partial<Status> = {}) {
    this.#status = { ...status, ...changes }
  }

  async status(): Promise<Status> {
    return this.#status
  }

  async plan(config?: string): Promise<Plan> {
    this.calls.push(`plan ${config}`)
    return plan
  }

  async apply(options: ApplyOptions = {}): Promise<ApplyResult> {
    this.calls.push(`apply ${options.config} ${options.confirmWithinMs}`)
    const pending = options.confirmWithinMs === undefined ? {} : { pending: { dueInMs: options.confirmWithinMs } }
    return { generation: 8, plan, changed: true, tookMs: 12, ...pending }
  }

  async confirm(): Promise<{ readonly generation: number }> {
    throw new SeawallError('SEAWALL_NOTHING_TO_CONFIRM', 'Cannot confirm: generation 7 is not waiting for it')
  }

  async rollback(): Promise<{ readonly generation?: number }> {
    return { generation: 6 }
  }

  async rules() {
    return rules
  }

  async sets() {
    return firewall.sets
  }

  async counters() {
    return counters
  }

  async addToSet(set: string, prefix: string) {
    return { ...this.#change(set, prefix), changed: true, tookMs: 3 }
  }

  async deleteFromSet(set: string, prefix: string) {
    return { ...this.#change(set, prefix), changed: false, tookMs: 3 }
  }

  #change(set: string, prefix: string) {
    if (set === 'office' || set === 'bogons') return { set, prefix }
    throw new SeawallError('SEAWALL_UNKNOWN_SET', `Cannot change set "${set}": there are office, bogons`)
  }

  async contains(set: string, addresses: readonly string[]): Promise<readonly boolean[]> {
    if (set !== 'office') return addresses.map(() => false)
    return addresses.map((text) => office.some((prefix) => prefixContains(prefix, parseAddress(text))))
  }

  async drop(expr: string, options: DropOptions = {}): Promise<RuleStatus> {
    parseExpr(expr)
    const { id = 'drop-1', forMs } = options
    return rule(id, `drop if ${expr}`, [0, 0], {
      dynamic: true,
      ...(forMs === undefined ? {} : { expiresInMs: forMs }),
    })
  }

  async capture({ expr = 'true', snaplen = 65_552, ringBytes = 4_194_304 }: CaptureRequest): Promise<RuleStatus> {
    parseExpr(expr)
    const capture = { snaplen, ringBytes, lost: 0 }
    return rule('capture:8', `sample 1/1 if ${expr}`, [0, 0], { dynamic: true, expiresInMs: 10_000, capture })
  }

  async undo(id: string): Promise<RuleStatus> {
    const found = rules.find((one) => one.id === id)
    if (found !== undefined) return found
    throw new SeawallError(
      'SEAWALL_UNKNOWN_RULE',
      `Cannot undo "${id}": there is no dynamic rule of that name, only night`,
    )
  }

  async probe(packets: readonly Uint8Array[]): Promise<ProbeReport> {
    const sets = {
      has: (_: string, address: Parameters<typeof prefixContains>[1]) =>
        office.some((one) => prefixContains(one, address)),
    }
    const ruleSet = { rules: rules.map((one) => ({ ...parseRule(one.text), id: one.id })), malformed: 'drop' as const }
    const probes = packets.map((packet) => {
      const decision = evaluate(ruleSet, dissect(packet), { sets })
      return { verdict: decision.verdict, decidedBy: decidedBy(decision), matched: decision.matched }
    })
    const { tag } = firewall.program
    return { program: { live: true, tag, liveTag: tag }, probes }
  }

  async *samples(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<Sample> {
    for (const sample of samples) yield sample
    const { signal } = options
    if (signal === undefined || signal.aborted) return
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  }

  async services(): Promise<readonly ServiceStatus[]> {
    return services
  }

  async backends(): Promise<readonly BackendStatus[]> {
    return backends
  }

  async bindings(): Promise<readonly BindingStatus[]> {
    return bindings
  }

  async impact(config?: string): Promise<readonly Impact[]> {
    this.calls.push(`impact ${config}`)
    return [{ services: ['web', 'quic'], buckets: 16_384, moved: 4_096, deferred: 12 }]
  }

  async drain(backend: string): Promise<BackendStatus> {
    return { ...this.#backend(backend), state: 'draining', buckets: 0, previous: 8_192 }
  }

  async undrain(backend: string): Promise<BackendStatus> {
    return { ...this.#backend(backend), state: 'active' }
  }

  #backend(name: string): BackendStatus {
    const found = backends.find((one) => one.name === name)
    if (found !== undefined) return found
    throw new SeawallError('SEAWALL_UNKNOWN_BACKEND', `Cannot find backend "${name}" (see seawall backends)`)
  }

  async where(packets: readonly Uint8Array[]): Promise<readonly Where[]> {
    const packet = 'tcp 203.0.113.7:40000 → 192.0.2.53:443'
    return packets.map((bytes) =>
      bytes.length > 50
        ? {
            packet,
            service: 'web',
            bucket: 1_234,
            backend: 'edge2',
            previous: 'edge1',
            why: 'its bucket is owned by another machine',
          }
        : { packet: `${bytes.length} bytes`, backend: 'edge1', why: 'it is for no service: this machine' },
    )
  }

  async down(): Promise<void> {
    this.calls.push('down')
    this.#status = { running: false }
  }
}

const noFlows = { packets: 0, bytes: 0, transitions: 0, previous: 0 }

const shares = [
  { backend: 'edge1', buckets: 8_192, previous: 0, down: false, factor: 1 },
  { backend: 'edge2', buckets: 8_192, previous: 512, down: false, factor: 1 },
  { backend: 'edge3', buckets: 0, previous: 0, down: true, factor: 1 },
]

const services: readonly ServiceStatus[] = [
  {
    id: 'web',
    address: '192.0.2.53',
    protocols: ['tcp'],
    ports: [80, 443],
    encapsulation: 'gue',
    quic: false,
    fragments: false,
    buckets: 16_384,
    inTransition: 512,
    shares,
    count: { packets: 1_000_000, bytes: 1_200_000_000, transitions: 4_000, previous: 250 },
  },
  {
    id: 'quic',
    address: '2001:db8:53::/64',
    protocols: ['udp'],
    ports: 'all',
    encapsulation: 'ipip',
    quic: true,
    fragments: true,
    buckets: 16_384,
    inTransition: 512,
    shares,
    count: noFlows,
  },
]

const backends: readonly BackendStatus[] = [
  {
    name: 'edge1',
    address: '10.0.1.2',
    self: true,
    weight: 1,
    state: 'active',
    serverId: 1,
    buckets: 8_192,
    previous: 0,
    resolved: true,
    failures: {},
    count: noFlows,
  },
  {
    name: 'edge2',
    address: '10.0.2.2',
    self: false,
    weight: 1,
    state: 'active',
    serverId: 2,
    buckets: 8_192,
    previous: 512,
    resolved: true,
    failures: {},
    count: { packets: 600_000, bytes: 700_000_000, transitions: 4_000, previous: 250 },
  },
  {
    name: 'edge3',
    address: 'fd00::3',
    self: false,
    weight: 2.5,
    state: 'down',
    serverId: 3,
    buckets: 0,
    previous: 0,
    resolved: false,
    failures: { web: 'connection refused (3 times in a row)' },
    count: noFlows,
  },
]

/** Ethernet, IPv4, UDP from port 123 to port 4242, as sent by 198.51.100.7 to 192.0.2.1. */
export const NTP = '0200000000020200000000010800450000200001000040118e05c6336407c0000201007b1092000c000041414141'

const frame = new Uint8Array(Buffer.from(NTP, 'hex'))

const samples: readonly Sample[] = [1n, 2n, 3n].map((timestamp) => ({
  timestamp,
  decidedBy: 'reflection',
  verdict: 'drop',
  sampledBy: 'watch',
  length: frame.length,
  ifindex: 2,
  bytes: frame,
}))
