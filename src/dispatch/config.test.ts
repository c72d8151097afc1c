import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatPrefix } from '../net/prefix.ts'
import { bindingWords } from './binding.ts'
import { dispatchSchema } from './config.ts'

const issuesOf = (value: unknown) =>
  dispatchSchema.safeParse(value).error!.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)

const usual = { spread: 'client', flows: 'none', idle: '2m' }

test('dispatchSchema reads announced prefixes and the bindings of labels', () => {
  const desired = dispatchSchema.parse({
    announce: ['192.0.2.0/24', '2001:db8::/48', '192.0.3.1'],
    labels: {
      web: { bind: ['tcp 192.0.2.0/24 any', 'tcp 2001:db8::/48 443'], missing: 'pass' },
      dns: { bind: ['udp 192.0.3.1 53'], spread: 'round-robin' },
    },
  })
  assert.deepEqual(desired.announce.map(formatPrefix), ['192.0.2.0/24', '2001:db8::/48', '192.0.3.1/32'])
  assert.deepEqual(desired.bindings.map(bindingWords), [
    { label: 'web', protocol: 'tcp', prefix: '192.0.2.0/24', port: 'any', missing: 'pass', ...usual },
    { label: 'web', protocol: 'tcp', prefix: '2001:db8::/48', port: '443', missing: 'pass', ...usual },
    {
      label: 'dns',
      protocol: 'udp',
      prefix: '192.0.3.1/32',
      port: '53',
      missing: 'drop',
      ...usual,
      spread: 'round-robin',
    },
  ])
  assert.deepEqual(dispatchSchema.parse({}), { announce: [], bindings: [], watches: [], successions: [] })
})

test('dispatchSchema reads programs for cookies', () => {
  const label = (words: object) => ({ labels: { game: { bind: ['udp 192.0.2.1 7777'], ...words } } })
  const cookie = '2, 40 0 0 0, 22 0 0 0'
  const { flows, cookie: text } = dispatchSchema.parse(label({ flows: 'cookie', cookie })).bindings[0]!
  assert.deepEqual([flows, text], ['cookie', '2,40 0 0 0,22 0 0 0'])
  assert.deepEqual(issuesOf(label({ cookie })), ['labels.game.cookie: flows cookie, too'])
  assert.deepEqual(issuesOf(label({ flows: 'cookie', cookie: 5 })), [
    'labels.game.cookie: a classic program that returns the cookie, such as "2,40 0 0 0,22 0 0 0": it begins with "", wanted the number of its instructions, of which there are 0',
  ])
})

test('dispatchSchema reads where options of udpgrm are answered', () => {
  const udpgrm = (value: unknown) => dispatchSchema.parse({ udpgrm: value }).udpgrm
  assert.deepEqual([udpgrm(true), udpgrm(false), udpgrm(undefined)], [{ cgroup: '/' }, undefined, undefined])
  assert.deepEqual(udpgrm({ cgroup: '/system.slice/game.service' }), { cgroup: '/system.slice/game.service' })
  const wanted = 'udpgrm.cgroup: the path of a control group such as /system.slice/nginx.service'
  assert.deepEqual(issuesOf({ udpgrm: { cgroup: 'system.slice' } }), [wanted])
  assert.deepEqual(issuesOf({ udpgrm: {} }), [wanted])
  assert.deepEqual(issuesOf({ udpgrm: { group: '/a' } }), ['udpgrm.group: one of cgroup', wanted])
})

test('dispatchSchema tells all mistakes, each with its path', () => {
  assert.deepEqual(
    issuesOf({
      anounce: [],
      udpgrm: 'yes',
      announce: ['192.0.2.1/24', '0.0.0.0/0', 7],
      labels: {
        'a b': { bind: [] },
        web: { bind: ['tcp 192.0.2.0/24', 'sctp 192.0.2.0/24 80', 'tcp 192.0.2.0/24 99999', 5], missing: 'block' },
        none: {},
        text: 'tcp',
        busy: { bind: ['tcp 192.0.2.1 80', 'udp 192.0.2.1 80'], spread: 'least-loaded' },
        other: { bind: [], spread: 'random', flows: 5, idle: '1w' },
        kernel: { bind: [], spread: 'kernel', flows: 'first-packet' },
      },
    }),
    [
      'anounce: one of announce, labels, udpgrm',
      'announce.0: a prefix such as "192.0.2.0/24"',
      'announce.1: a prefix of this machine, /8 or longer',
      'announce.2: a prefix such as "192.0.2.0/24"',
      'udpgrm: true, false, or an object such as { cgroup: "/system.slice" }',
      'labels.a b: a label of 1 to 255 bytes without spaces',
      'labels.web.missing: drop or pass',
      'labels.web.bind.0: protocol, prefix and port (such as tcp 192.0.2.0/24 443)',
      'labels.web.bind.1: tcp or udp',
      'labels.web.bind.2: a port from 1 to 65535, a range such as 20000-49999, or any',
      'labels.web.bind.3: protocol, prefix and port, a range or any, such as "tcp 192.0.2.0/24 443"',
      'labels.none.bind: a list of bindings such as ["tcp 192.0.2.0/24 443"]',
      'labels.text: an object such as { bind: ["tcp 192.0.2.0/24 443"] }',
      "labels.busy.bind.1: tcp, as the label's spread is least-loaded",
      'labels.other.spread: one of client, round-robin, least-loaded, kernel',
      'labels.other.flows: one of none, first-packet, answer, quic, cookie',
      'labels.other.idle: a time such as 2m, from 1s to 1d',
      'labels.kernel.spread: another than kernel where flows are kept, as it does not tell whom it chooses',
    ],
  )
  assert.deepEqual(issuesOf([]), [': an object with announce, labels and udpgrm'])
})

test('dispatchSchema refuses bindings of which none is more specific, where the second one is', () => {
  assert.deepEqual(
    issuesOf({
      labels: {
        a: { bind: ['tcp 192.0.2.0/24 80', 'tcp 192.0.2.0/24 100-200'] },
        b: { bind: ['tcp 192.0.2.0/24 150-160', 'tcp 192.0.2.0/24 80'] },
      },
    }),
    [
      'labels.b.bind.0: ports that labels.a.bind[1] does not have',
      'labels.b.bind.1: another binding than labels.a.bind[0]',
    ],
  )
})

test('dispatchSchema reads whose sockets are a label’s, of the protocols that it is bound for', () => {
  const bind = ['tcp 192.0.2.0/24 any', 'tcp 192.0.3.0/24 any']
  const { watches } = dispatchSchema.parse({ labels: { web: { bind, process: { unit: 'nginx' }, port: 8_080 } } })
  assert.deepEqual(watches, [{ label: 'web', process: { unit: 'nginx' }, port: 8_080, protocols: ['tcp'] }])
  assert.deepEqual(
    issuesOf({
      labels: {
        a: { bind, port: 80 },
        b: { bind: [], process: {}, port: 80 },
        c: { bind: [], process: { unit: 'nginx' } },
        d: { bind: [], process: { exe: 'nginx', cgroup: 'system.slice', name: 'x' }, port: 0 },
      },
    }),
    [
      'labels.a.port: process, too: whose port it is',
      'labels.b.process: an object such as { unit: "nginx" }, or with cgroup or exe',
      'labels.c.port: a whole number from 1 to 65535',
      'labels.d.process.name: one of unit, cgroup, exe',
      'labels.d.process.cgroup: the path of a control group such as /system.slice/nginx.service',
      'labels.d.process.exe: the absolute path of a program',
      'labels.d.port: a whole number from 1 to 65535',
    ],
  )
})

test('dispatchSchema reads how runs of a server follow each other', () => {
  const generations = { ready: { http: '/health' }, drain: 'SIGQUIT', stop: 'SIGTERM', limit: '10m' }
  const web = { bind: ['tcp 192.0.2.1 80'], process: { unit: 'web' }, port: 8080, generations }
  const { successions } = dispatchSchema.parse({ labels: { web, plain: { bind: [], generations: {} } } })
  const ready = { kind: 'http', port: 8080, path: '/health', status: 200 }
  assert.deepEqual(successions, [
    { label: 'web', ready, drain: 'SIGQUIT', stop: 'SIGTERM', limitMs: 600_000 },
    { label: 'plain', ready: 'listening' },
  ])
})

test('dispatchSchema tells all mistakes in how runs follow each other', () => {
  const issues = (generations: unknown) => issuesOf({ labels: { web: { bind: [], generations } } })
  assert.deepEqual(issues({ ready: { http: 'health' }, drain: 'QUIT', limit: '1ms', often: true }), [
    'labels.web.generations.often: one of ready, drain, stop, limit',
    'labels.web.generations.drain: a signal such as SIGQUIT or SIGTERM',
    'labels.web.generations.limit: a duration from "1s" to "1d"',
    'labels.web.generations.limit: stop, too: the signal that comes then',
    'labels.web.generations.ready.http: a path such as "/health", of ASCII without spaces',
    'labels.web.generations.ready.port: a port to check',
  ])
  assert.deepEqual(issues('always'), [
    'labels.web.generations: an object such as { ready: "listening", drain: "SIGQUIT" }',
  ])
  assert.deepEqual(issues({ ready: 'soon' }), [
    'labels.web.generations.ready: listening, notify, or a probe such as { http: "/health" } or { command: [...] }',
  ])
})
