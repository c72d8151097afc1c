import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, beforeEach, test } from 'node:test'
import {
  ApiClient,
  findAgent,
  type Listening,
  metricsText,
  parseListen,
  serveApi,
  serveMetrics,
} from '../../src/agent/api/index.ts'
import { ConfigError } from '../../src/config/index.ts'
import type { Sample } from '../../src/firewall/index.ts'
import { balancerOf } from './balancer-of.ts'
import { FixedControl, NTP } from './fixed-control.ts'

const folder = mkdtempSync(join(tmpdir(), 'seawall-api-'))
after(() => rmSync(folder, { recursive: true }))

let count = 0
let path = ''
beforeEach(() => {
  count += 1
  path = join(folder, `${count}.sock`)
})

async function serving(
  control: FixedControl,
  work: (client: ApiClient, api: Listening) => Promise<void>,
  onDown = () => {},
) {
  let failures = 0
  const metrics = () => metricsText({ control, version: '0.1.0', applyFailures: () => failures, sockets: () => [] })
  const api = await serveApi(path, { control, metrics, onApplyFailed: () => failures++, onDown })
  try {
    await work(new ApiClient(path), api)
  } finally {
    await api.close()
  }
}

test('serveApi() makes a socket that only its owner can open, and removes it at the end', async () => {
  await serving(new FixedControl(), async () => assert.equal(statSync(path).mode & 0o777, 0o600))
  assert.equal(statSync(path, { throwIfNoEntry: false }), undefined)
})

test('serveApi() leaves the mask of new files as it was', async () => {
  const before = process.umask()
  await serving(new FixedControl(), async () => assert.equal(process.umask(), before))
})

test('serveApi() replaces a socket that nobody answers', async () => {
  const stale = createServer()
  await new Promise<void>((resolve) => stale.listen(`${path}.old`, resolve))
  const { renameSync } = await import('node:fs')
  renameSync(`${path}.old`, path)
  await new Promise((resolve) => stale.close(resolve))
  await serving(new FixedControl(), async (client) => assert.equal((await client.status()).running, true))
})

test('serveApi() refuses a socket that another agent answers', async () => {
  await serving(new FixedControl(), async () => {
    await assert.rejects(
      serving(new FixedControl(), async () => {}),
      { code: 'SEAWALL_LOCKED' },
    )
    assert.equal(statSync(path).isSocket(), true)
  })
})

test('serveApi() leaves a file that is no socket alone', async () => {
  writeFileSync(path, 'mine')
  await assert.rejects(
    serving(new FixedControl(), async () => {}),
    { code: 'SEAWALL_INPUT', message: /not a socket/ },
  )
  assert.equal(statSync(path).size, 4)
})

test('serveApi() refuses a path that is too long for a socket', async () => {
  path = join(folder, 'x'.repeat(120))
  await assert.rejects(
    serving(new FixedControl(), async () => {}),
    { code: 'SEAWALL_INPUT', message: /107/ },
  )
})

test('findAgent() finds the agent that answers, and none otherwise', async () => {
  assert.equal(await findAgent(path), undefined)
  await serving(new FixedControl(), async () => assert.ok((await findAgent(path)) instanceof ApiClient))
  assert.equal(await findAgent(path), undefined)
})

test('ApiClient gives the answers of the control behind the API', async () => {
  const control = new FixedControl()
  await serving(control, async (client) => {
    assert.deepEqual(await client.status(), await control.status())
    assert.deepEqual(await client.plan('/a.yaml'), await control.plan('/a.yaml'))
    assert.deepEqual(
      await client.apply({ config: '/a.yaml', confirmWithinMs: 5 }),
      await control.apply({ confirmWithinMs: 5 }),
    )
    assert.deepEqual(await client.apply(), await control.apply())
    assert.deepEqual(await client.rollback(), { generation: 6 })
    assert.deepEqual(await client.rules(), await control.rules())
    assert.deepEqual(await client.sets(), await control.sets())
    assert.deepEqual(await client.counters(), await control.counters())
    assert.deepEqual(await client.services(), await control.services())
    assert.deepEqual(await client.backends(), await control.backends())
    assert.deepEqual(await client.impact('/a.yaml'), await control.impact('/a.yaml'))
    assert.deepEqual(await client.drain('edge2'), await control.drain('edge2'))
    assert.deepEqual(await client.undrain('edge2'), await control.undrain('edge2'))
    const packets = [new Uint8Array(64), new Uint8Array(40)]
    assert.deepEqual(await client.where(packets), await control.where(packets))
    assert.deepEqual(await client.addToSet('office', '192.0.2.0/24'), await control.addToSet('office', '192.0.2.0/24'))
    assert.deepEqual(await client.deleteFromSet('office', '::/0'), await control.deleteFromSet('office', '::/0'))
    assert.deepEqual(await client.contains('office', ['192.0.2.9', '::1']), [true, false])
    assert.deepEqual(
      await client.drop('udp', { forMs: 10, id: 'x' }),
      await control.drop('udp', { forMs: 10, id: 'x' }),
    )
    assert.deepEqual(await client.undo('night'), await control.undo('night'))
    const wanted = { expr: 'udp', verdict: 'drop', snaplen: 64 } as const
    assert.deepEqual(await client.capture(wanted), await control.capture(wanted))
    assert.deepEqual(await client.capture({}), await control.capture({}))
    const packet = new Uint8Array(Buffer.from(NTP, 'hex'))
    assert.deepEqual(await client.probe([packet]), await control.probe([packet]))
  })
  assert.deepEqual(control.calls.slice(0, 4), ['plan /a.yaml', 'plan /a.yaml', 'apply /a.yaml 5', 'apply undefined 5'])
})

test('ApiClient.samples() streams samples until its signal aborts', async () => {
  const control = new FixedControl()
  await serving(control, async (client) => {
    const stop = new AbortController()
    const seen: Sample[] = []
    for await (const sample of client.samples({ signal: stop.signal })) {
      seen.push(sample)
      if (seen.length === 3) stop.abort()
    }
    assert.deepEqual(
      seen.map((sample) => sample.timestamp),
      [1n, 2n, 3n],
    )
    assert.equal(Buffer.from(seen[0]!.bytes).toString('hex'), NTP)
  })
})

test('ApiClient.samples() throws what goes wrong in the middle of the stream', async () => {
  const control = new FixedControl()
  const whole = control.samples.bind(control)
  control.samples = async function* () {
    yield* whole()
    throw Object.assign(new Error('Cannot read the ring buffer'), { code: 'SEAWALL_BPFFS' })
  }
  await serving(control, async (client) => {
    let seen = 0
    const reading = async () => {
      for await (const _ of client.samples()) seen += 1
    }
    await assert.rejects(reading(), { code: 'SEAWALL_BPFFS', message: 'Cannot read the ring buffer' })
    assert.equal(seen, 3)
  })
})

test('ApiClient throws errors with the class and code that they had in the agent', async () => {
  const control = new FixedControl()
  const issue = { file: '/a.yaml', line: 3, path: 'firewall', found: '1', wanted: 'an object' }
  control.plan = async () => {
    throw new ConfigError([issue])
  }
  await serving(control, async (client) => {
    await assert.rejects(client.confirm(), { name: 'SeawallError', code: 'SEAWALL_NOTHING_TO_CONFIRM' })
    await assert.rejects(client.undo('x/y'), { code: 'SEAWALL_UNKNOWN_RULE', message: /"x\/y"/ })
    await assert.rejects(client.drop('udp.dstprt == 1'), { name: 'RuleTypeError', code: /^RULE_/ as unknown as string })
    await assert.rejects(client.plan(), (error: unknown) => {
      assert.ok(error instanceof ConfigError)
      assert.deepEqual(error.issues, [issue])
      return true
    })
  })
})

test('ApiClient says which agent it cannot ask', async () => {
  await assert.rejects(new ApiClient(path).status(), { code: 'SEAWALL_NOT_UP', message: new RegExp(path) })
})

test('ApiClient.down() is answered before the agent is told to end', async () => {
  const control = new FixedControl()
  let told = false
  await serving(
    control,
    async (client) => client.down(),
    () => (told = true),
  )
  assert.deepEqual(control.calls, ['down'])
  assert.equal(told, true)
})

interface Answer {
  readonly status: number
  readonly text: string
}

function ask(method: string, route: string, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: path, method, path: route }, (response) => {
      let text = ''
      response.on('data', (chunk) => (text += chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

test('routes() refuses what it cannot read, with a code', async () => {
  await serving(new FixedControl(), async () => {
    const cases: [string, string, string | undefined, number, string][] = [
      ['GET', '/v1/nothing', undefined, 404, 'SEAWALL_UNKNOWN_ROUTE'],
      ['POST', '/v1/rules', 'not json', 400, 'SEAWALL_INPUT'],
      ['POST', '/v1/rules', '{"expr":1}', 400, 'SEAWALL_INPUT'],
      ['POST', '/v1/rules', '{"expr":"udp","frob":1}', 400, 'SEAWALL_INPUT'],
      ['POST', '/v1/rules', '{"expr":"udp","forMs":-1}', 400, 'SEAWALL_INPUT'],
      ['POST', '/v1/rules', '{"expr":"udp and"}', 400, 'RULE_SYNTAX'],
      ['POST', '/v1/captures', '{"verdict":"maybe"}', 400, 'SEAWALL_INPUT'],
      ['POST', '/v1/captures', '{"expr":"udp.dstprt == 1"}', 400, 'RULE_UNKNOWN_FIELD'],
      ['POST', '/v1/probe', '{"packets":["0g"]}', 400, 'SEAWALL_INPUT'],
      ['POST', '/v1/sets/none/prefixes', '{"prefix":"::/0"}', 404, 'SEAWALL_UNKNOWN_SET'],
      ['POST', '/v1/confirm', undefined, 409, 'SEAWALL_NOTHING_TO_CONFIRM'],
    ]
    for (const [method, route, body, status, code] of cases) {
      const answer = await ask(method, route, body)
      assert.equal(answer.status, status, `${method} ${route} ${body}: ${answer.text}`)
      assert.equal(JSON.parse(answer.text).code, code)
    }
  })
})

test('metricsText() has every verdict, rule, reason and set with its value', async () => {
  const one = { packets: 3, bytes: 180 }
  const counters = {
    verdicts: { pass: one, drop: one },
    byDefault: one,
    malformed: {},
    rules: [{ id: 'r', text: '', ...one }],
  }
  const sockets = () => [{ name: 'udp-53', counters }]
  const text = await metricsText({ control: new FixedControl(), version: '0.1.0', applyFailures: () => 2, sockets })
  assert.match(text, /^seawall_sockets_packets_total\{name="udp-53",verdict="drop"\} 3$/m)
  assert.match(text, /^seawall_sockets_rule_bytes_total\{name="udp-53",rule="r"\} 180$/m)
  for (const line of [
    `seawall_build_info{version="0.1.0",node="${process.version}"} 1`,
    'seawall_agent_apply_failures_total 2',
    'seawall_agent_adopted 1',
    'seawall_firewall_up 1',
    'seawall_firewall_generation 7',
    'seawall_firewall_config_info{digest="0123456789abcdef"} 1',
    'seawall_firewall_received_packets_total 110004290',
    'seawall_firewall_packets_total{verdict="drop"} 98769697',
    'seawall_firewall_bytes_total{verdict="pass"} 9000000000',
    'seawall_firewall_default_packets_total 10000026',
    'seawall_firewall_malformed_packets_total{reason="udp_length"} 11',
    'seawall_firewall_malformed_packets_total{reason="eth_truncated"} 0',
    'seawall_firewall_rule_packets_total{rule="reflection",action="drop"} 98765432',
    'seawall_firewall_rule_bytes_total{rule="dns-flood",action="limit"} 424200',
    'seawall_firewall_interface_attached{interface="wg0",mode="generic"} 1',
    'seawall_firewall_interface_received_packets_total{interface="eth0"} 110004000',
    'seawall_firewall_interface_received_bytes_total{interface="eth0"} 66000000000',
    'seawall_firewall_interface_missed_packets_total{interface="eth0"} 3',
    'seawall_firewall_set_prefixes{set="bogons"} 1000231',
    'seawall_firewall_samples_lost_total 0',
    'seawall_firewall_captures 0',
    'seawall_firewall_rules{origin="dynamic"} 1',
  ]) {
    assert.ok(text.split('\n').includes(line), `wanted ${line} in\n${text}`)
  }
})

test('metricsText() has no firewall metrics but `up` when nothing is in force', async () => {
  const control = new FixedControl()
  await control.down()
  const text = await metricsText({ control, version: '0.1.0', applyFailures: () => 0, sockets: () => [] })
  assert.match(text, /^seawall_firewall_up 0$/m)
  assert.doesNotMatch(text, /seawall_firewall_packets_total/)
})

test('metricsText() has counters and states of the balancer', async () => {
  const text = await metricsText({
    control: new FixedControl(),
    version: '0.1.0',
    applyFailures: () => 0,
    sockets: () => [],
  })
  for (const line of [
    'seawall_balancer_packets_total{outcome="forwarded"} 600000',
    'seawall_balancer_packets_total{outcome="not-service"} 0',
    'seawall_balancer_table_version 12',
    'seawall_balancer_memory_bytes 1310720',
    'seawall_balancer_self_info{backend="edge1"} 1',
    'seawall_balancer_conductor_info{backend="edge1"} 1',
    'seawall_balancer_service_packets_total{service="web"} 1000000',
    'seawall_balancer_service_bytes_total{service="web"} 1200000000',
    'seawall_balancer_service_transition_packets_total{service="web"} 4000',
    'seawall_balancer_service_previous_packets_total{service="web"} 250',
    'seawall_balancer_backend_packets_total{backend="edge2"} 600000',
    'seawall_balancer_backend_previous_packets_total{backend="edge2"} 250',
    'seawall_balancer_backend_up{backend="edge2"} 1',
    'seawall_balancer_backend_up{backend="edge3"} 0',
    'seawall_balancer_backend_draining{backend="edge2"} 0',
    'seawall_balancer_backend_weight{backend="edge3"} 2.5',
    'seawall_balancer_service_info{service="quic",table="web"} 1',
    'seawall_balancer_table_buckets{table="web",backend="edge1"} 8192',
    'seawall_balancer_table_previous_buckets{table="web",backend="edge2"} 512',
    'seawall_balancer_table_backend_up{table="web",backend="edge3"} 0',
  ]) {
    assert.ok(text.split('\n').includes(line), `wanted ${line} in\n${text}`)
  }
})

test('metricsText() has counters of bindings, and of labels by what became of their traffic', async () => {
  const options = { control: new FixedControl(), version: '0.1.0', applyFailures: () => 0, sockets: () => [] }
  const text = await metricsText(options)
  for (const line of [
    'seawall_dispatch_bindings 2',
    'seawall_dispatch_sockets{label="web",protocol="tcp",family="ipv4"} 1',
    'seawall_dispatch_generations{label="web",protocol="tcp",family="ipv4"} 1',
    'seawall_dispatch_working_generation{label="web",protocol="tcp",family="ipv4"} 2',
    'seawall_dispatch_lookups_total{label="web",protocol="tcp",family="ipv4",outcome="dispatched"} 1230',
    'seawall_dispatch_lookups_total{label="web",protocol="tcp",family="ipv4",outcome="missing"} 4',
    'seawall_dispatch_binding_lookups_total{label="web",protocol="tcp",prefix="192.0.2.0/24",port="any"} 1234',
  ])
    assert.ok(text.split('\n').includes(line), `wanted ${line} in\n${text}`)
})

test('metricsText() has lines for tables, not for services, of the buckets of backends', async () => {
  const control = Object.assign(new FixedControl(), balancerOf({ services: 50, backends: 20 }))
  const text = await metricsText({ control, version: '0.1.0', applyFailures: () => 0, sockets: () => [] })
  assert.equal(text.match(/^seawall_balancer_table_buckets\{/gm)?.length, 20)
  assert.equal(text.match(/^seawall_balancer_service_info\{/gm)?.length, 50)
  assert.match(text, /^seawall_balancer_backend_draining\{backend="edge8"\} 1$/m)
})

test('metricsText() has no metrics of a balancer where there is none', async () => {
  const control = new FixedControl()
  const { balancer: _, ...without } = await control.status()
  control.status = async () => without
  const text = await metricsText({ control, version: '0.1.0', applyFailures: () => 0, sockets: () => [] })
  assert.match(text, /^seawall_firewall_up 1$/m)
  assert.doesNotMatch(text, /balancer/)
})

test('metricsText() does not mix scrapes that run at once', async () => {
  const options = { control: new FixedControl(), version: '0.1.0', applyFailures: () => 0, sockets: () => [] }
  const texts = await Promise.all([metricsText(options), metricsText(options), metricsText(options)])
  assert.equal(new Set(texts).size, 1)
})

test('serveMetrics() serves metrics and nothing else on TCP', async () => {
  const metrics = await serveMetrics('127.0.0.1:0', async () => 'a 1\n')
  try {
    const answer = await fetch(metrics.address)
    assert.equal(await answer.text(), 'a 1\n')
    assert.match(answer.headers.get('content-type') ?? '', /version=0.0.4/)
    assert.equal((await fetch(new URL('/v1/status', metrics.address))).status, 404)
  } finally {
    await metrics.close()
  }
})

test('serveMetrics() says what is wrong with an address', async () => {
  await assert.rejects(
    serveMetrics('9435', async () => ''),
    { code: 'SEAWALL_INPUT', message: /HOST:PORT/ },
  )
  await assert.rejects(
    serveMetrics('192.0.2.1:80', async () => ''),
    { code: 'SEAWALL_INPUT', message: /EADDRNOTAVAIL/ },
  )
})

test('parseListen() takes names, addresses of both families and every address', () => {
  assert.deepEqual(parseListen('127.0.0.1:9435'), { host: '127.0.0.1', port: 9435 })
  assert.deepEqual(parseListen('[::1]:1'), { host: '::1', port: 1 })
  assert.deepEqual(parseListen(':9435'), { host: '', port: 9435 })
  for (const wrong of ['', 'x', '::1:80', '1.2.3.4', '1.2.3.4:99999', '[::1]'])
    assert.throws(() => parseListen(wrong), { code: 'SEAWALL_INPUT' })
})

test('the metrics are on the socket too', async () => {
  await serving(new FixedControl(), async (client) => assert.match(await client.metrics(), /^seawall_firewall_up 1$/m))
})

test('the API answers nobody but its owner', {
  skip: process.getuid?.() !== 0 && 'needs root to become somebody else',
}, async () => {
  chmodSync(folder, 0o755)
  await serving(new FixedControl(), async () => {
    const { spawnSync } = await import('node:child_process')
    const script = `require('net').connect(${JSON.stringify(path)}).on('error', (e) => { console.log(e.code); process.exit(0) }).on('connect', () => { console.log('open'); process.exit(0) })`
    const run = spawnSync(process.execPath, ['-e', script], { uid: 65_534, gid: 65_534, encoding: 'utf8' })
    assert.equal(run.stdout.trim(), 'EACCES', run.stderr)
  })
})
