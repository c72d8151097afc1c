import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, beforeEach, describe, test } from 'node:test'
import { Program } from '../../src/bpf/index.ts'
import type { IptablesStatus } from '../../src/firewall/iptables/index.ts'
import { ended, start, stop } from '../../src/linux/process.ts'
import { buildPacket, ethernet, ipv4, ipv6, udp } from '../../src/net/build.ts'
import { HOST_MAC } from '../support/reflected.ts'
import { IptablesWorld, input, rejects } from './firewall-iptables-world.ts'

let world: IptablesWorld
before(() => {
  world = new IptablesWorld()
})
after(() => world.remove())

const packet = (src: string, dstport = 9, payload = 'seawall') =>
  buildPacket(
    ethernet({ dst: HOST_MAC }),
    src.includes(':') ? ipv6({ src, dst: '2001:db8::2' }) : ipv4({ src, dst: '198.51.100.1' }),
    udp({ srcport: 4000, dstport }),
    payload,
  )

/** Packets that each rule counted, IPv4 and IPv6. */
const counts = ({ rules }: IptablesStatus): Record<string, string> =>
  Object.fromEntries(rules.map(({ id, ipv4, ipv6 }) => [id, `${ipv4.packets}+${ipv6.packets}`]))

const bad = { bad: ['192.0.2.0/24', '2001:db8:bad::/48'] }
const rules = ['bad: drop if ip.src in $bad', 'port: drop if udp.dstport == 7', 'rest: count if udp']

/** Set SEAWALL_IPTABLES to one of them for a shorter run. */
const variants = (['nft', 'legacy'] as const).filter((name) => (process.env.SEAWALL_IPTABLES ?? name) === name)

for (const variant of variants) {
  describe(`Iptables (${variant})`, () => {
    const open = () => world.open(variant)
    const foreign = () => {
      for (const name of ['iptables', 'ip6tables']) {
        const text = '*raw\n:mine - [0:0]\n[3:99] -A PREROUTING -i lo -j ACCEPT\n-A mine -p udp -j DROP\nCOMMIT\n'
        world.run(`${name}-${variant}-restore`, ['-n', '-c'], text)
      }
    }

    before(() => {
      foreign()
      world.run('ipset', ['create', `foreign-${variant}`, 'hash:ip'])
    })
    beforeEach(async () => {
      await open().undo()
    })

    test('apply() drops packets of both families, counts them by rule, and undo() leaves no trace', async () => {
      const [saved, sets] = [world.save(variant), world.sets()]
      const { changed, plan } = await open().apply(input(rules, { sets: bad }))
      assert.ok(changed && plan.fresh && plan.variant === variant && plan.table === 'raw')
      await world.receive(packet('192.0.2.1'))
      await world.receive(packet('2001:db8:bad::1'), 2)
      await world.receive(packet('203.0.113.1', 7), 3)
      await world.receive(packet('203.0.113.1', 9), 4)
      const status = await open().status()
      assert.deepEqual(counts(status), { bad: '1+2', port: '3+0', rest: '4+0' })
      assert.deepEqual(status.interfaces, ['sea0'])
      assert.equal(status.rules[0]!.ipv4.bytes, packet('192.0.2.1').length - 14)
      assert.ok((await open().undo()).changed)
      assert.equal(world.save(variant), saved)
      assert.deepEqual(world.sets(), sets)
      assert.ok(!existsSync(world.programs))
      assert.equal(world.run('sh', ['-c', 'ls /proc/thread-self/net/ipt_hashlimit 2>&- || true']), '')
      await rejects(open().status(), 'SEAWALL_NOT_UP', /there are none \(seawall iptables apply\)/)
      assert.equal((await open().undo()).changed, false)
    })

    test('undo() leaves an empty table where there was none', async () => {
      const fresh = new IptablesWorld()
      try {
        assert.equal(fresh.save(variant), '')
        await fresh.open(variant).apply(input(rules, { sets: bad }))
        await fresh.open(variant).undo()
        assert.equal(fresh.save(variant), '*raw\n:PREROUTING ACCEPT\n:OUTPUT ACCEPT\nCOMMIT\n'.repeat(2))
      } finally {
        await fresh.remove()
      }
    })

    test('drop keeps packets from a socket that waits for them', { timeout: 60_000 }, async () => {
      await open().apply(input(['secret: drop if udp.payload contains "secret"']))
      const server = `require('dgram').createSocket('udp4').on('message', (text) => console.log(String(text)))
        .bind(5353, () => console.log('ready'))`
      const socket = start(process.execPath, ['-e', server], {
        netns: world.netns,
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      try {
        const lines = createInterface({ input: socket.stdout! })[Symbol.asyncIterator]()
        assert.equal((await lines.next()).value, 'ready')
        for (const text of ['first', 'secret', 'a secret', 'last'])
          await world.receive(packet('198.51.100.9', 5353, text))
        assert.deepEqual([(await lines.next()).value, (await lines.next()).value], ['first', 'last'])
      } finally {
        await stop(socket)
      }
    })

    test('apply() leaves rules of others and their counters as they are, and comes before them', async () => {
      const others = () => world.save(variant).replaceAll(/^.*SEAWALL.*\n/gm, '')
      const saved = others()
      await open().apply(input(rules, { sets: bad }))
      assert.equal(others(), saved)
      const first = /^\[.*\] -A PREROUTING (.*)$/m.exec(world.save(variant))![1]
      assert.equal(first, '-i sea0 -m comment --comment seawall -j SEAWALL')
    })

    test('apply() changes nothing the second time, whatever the rules', async () => {
      const many = input(
        [
          ...rules,
          'pass.1: pass if ip.src not in $bad and tcp',
          'either: drop if ip.src in $bad or ip.dst in $bad',
          'one: sample 1/1 if udp',
          'some.2: sample 1/100 if udp',
          'never: drop if arp',
          `${'i'.repeat(63)}: sample 1/7 if udp`,
          `${'l'.repeat(63)}: limit 9/s per ip.src if udp`,
          'four: drop if ipv4',
          ...[1, 7, 50, 999, 1000, 1500, 24_999, 100_000, 1_000_000].map((rate) => `r${rate}: limit ${rate}/s if udp`),
          ...[1, 7, 59].map((rate) => `m${rate}: limit ${rate}/m burst 3 per ip.src if udp`),
          'h: limit 3/h burst 72 per ip.src/24/48, ip.dst/16 if udp',
          'all: limit 10/s per ip.dst/0/0 if true',
        ],
        { sets: bad, interfaces: ['sea0', 'eth0.7', 'sea1'], malformed: 'pass' },
      )
      assert.ok((await open().apply(many)).changed)
      const saved = world.save(variant)
      assert.deepEqual((await open().plan(many)).changes, [])
      assert.equal((await open().apply(many)).changed, false)
      assert.equal(world.save(variant), saved)
    })

    test('apply() keeps the counter of a rule as long as its id and target stay', async () => {
      await open().apply(input(['a: drop if udp.dstport == 7', 'b: count if udp']))
      await world.receive(packet('203.0.113.1', 7), 5)
      await world.receive(packet('203.0.113.1', 8), 6)
      await open().apply(input(['new: pass if tcp', 'b: pass if udp', 'a: drop if udp.dstport in {7, 8}']))
      assert.deepEqual(counts(await open().status()), { new: '0+0', b: '0+0', a: '5+0' })
    })

    test('limit lets just its burst through, for each key and in both families', async () => {
      await open().apply(input(['few: limit 1/h burst 5 per ip.src/24/48 if udp.dstport == 7', 'over: count if udp']))
      await world.receive(packet('203.0.113.1', 7), 4)
      await world.receive(packet('203.0.113.2', 7), 4)
      await world.receive(packet('203.0.112.1', 7), 5)
      await world.receive(packet('2001:db8:7:1::1', 7), 3)
      await world.receive(packet('2001:db8:7:2::1', 7), 3)
      await world.receive(packet('203.0.113.1', 8), 9)
      assert.deepEqual(counts(await open().status()), { few: '3+1', over: '19+5' })
    })

    test('limit of other parameters begins anew, and the same one goes on', async () => {
      const limit = (text: string) => input([`x: limit ${text} if udp`])
      await open().apply(limit('1/h burst 3'))
      await world.receive(packet('203.0.113.1'), 3)
      await open().apply({ ...limit('1/h burst 3'), ...input(['x: limit 1/h burst 3 if udp', 'y: count if udp']) })
      await world.receive(packet('203.0.113.1'), 2)
      assert.equal(counts(await open().status()).x, '2+0')
      await open().apply(limit('1/h burst 4'))
      await world.receive(packet('203.0.113.1'), 5)
      assert.equal(counts(await open().status()).x, '3+0')
    })

    test('malformed packets are dropped before any rule, or passed by all of them', async () => {
      const cut = buildPacket(ethernet({ dst: HOST_MAC }), ipv4({ dst: '198.51.100.1', protocol: 17 }), 'short')
      for (const malformed of ['drop', 'pass'] as const) {
        await open().apply(input(['all: count if true'], { malformed }))
        await world.receive(cut, 3)
        const status = await open().status()
        assert.deepEqual([status.malformed.ipv4.packets, counts(status)], [3, { all: '0+0' }])
        await open().undo()
      }
    })

    test('sample copies one of N packets to NFLOG, under the id of the rule', async () => {
      await open().apply(input(['look.1: sample 1/4 if udp.dstport == 7']))
      const args = ['-n', '-i', 'nflog:1', '-c', '2', '-w', '-', '-U', '--immediate-mode']
      const dump = start('timeout', ['20', 'tcpdump', ...args], {
        netns: world.netns,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      try {
        await new Promise<void>((resolve) => {
          dump.stderr!.on('data', (text: Buffer) => String(text).includes('listening on') && resolve())
        })
        const result = ended(dump)
        await world.receive(packet('203.0.113.1', 7), 8)
        assert.equal((await result).code, 0)
        assert.match((await result).stdout, /look\.1[\s\S]*look\.1/)
      } finally {
        await stop(dump)
      }
      assert.deepEqual(counts(await open().status()), { 'look.1': '2+0' })
    })

    test('apply() swaps the contents of a set together with the rules', async () => {
      await open().apply(input(['bad: drop if ip.src in $bad'], { sets: bad }))
      await world.receive(packet('192.0.2.1'))
      const before = world.sets()
      const other = input(['bad: drop if ip.src in $bad'], { sets: { bad: ['192.0.3.0/24', '0.0.0.0/0'] } })
      await open().apply(other)
      assert.deepEqual(
        world.sets().filter((name) => before.includes(name)),
        ['foreign-nft', 'foreign-legacy'].filter((name) => before.includes(name)),
      )
      await world.receive(packet('7.7.7.7'))
      await world.receive(packet('200.7.7.7'))
      await world.receive(packet('2001:db8:bad::1'))
      assert.deepEqual(counts(await open().status()), { bad: '3+0' })
    })

    test('apply() leaves a set alone that somebody else uses, and says so', async () => {
      await open().apply(input(['bad: drop if ip.src in $bad'], { sets: { bad: ['192.0.2.0/24'] } }))
      const set = world.sets().find((name) => name.startsWith('seawall4-bad'))!
      const rule = ['PREROUTING', '-t', 'mangle', '-m', 'set', '--match-set', set, 'src', '-j', 'ACCEPT']
      world.run(`iptables-${variant}`, ['-A', ...rule])
      const { plan } = await open().undo()
      assert.deepEqual(plan.warnings, [`ipset ${set} stays: a rule that is not Seawall's uses it (remove that rule)`])
      world.run(`iptables-${variant}`, ['-D', ...rule])
      assert.ok((await open().undo()).changed)
      assert.ok(!world.sets().includes(set))
    })

    test('apply() makes its jump the first again', async () => {
      await open().apply(input(rules, { sets: bad }))
      world.run(`iptables-${variant}`, ['-t', 'raw', '-I', 'PREROUTING', '-i', 'lo', '-j', 'mine'])
      const again = input(rules, { sets: bad })
      const plan = await open().plan(again)
      assert.deepEqual(plan.changes, [{ kind: 'move', what: 'jump', family: 4, text: 'to the first place' }])
      await open().apply(again)
      assert.match(world.save(variant), /\] -A PREROUTING -i sea0 .*\n.*\] -A PREROUTING -i lo -j mine\n/)
      world.run(`iptables-${variant}`, ['-t', 'raw', '-D', 'PREROUTING', '-i', 'lo', '-j', 'mine'])
    })

    test('apply() that fails in IPv6 takes IPv4 back, with its counters', async () => {
      await open().apply(input(['old: count if udp'], { sets: bad }))
      await world.receive(packet('203.0.113.1'), 7)
      const next = input(
        ['old: drop if udp.dstport == 7', 'new: drop if ipv6 and ip.src in $bad and udp.dstport == 8'],
        { sets: bad },
      )
      const plan = await open().plan(next)
      const wrong = plan.changes.find(({ text }) => text.endsWith('udp.dstport == 8'))!.text.split(' ')[0]!
      // A program of another type in the place of the one that only IPv6 needs.
      const instructions = Uint8Array.of(0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0)
      const program = await Program.load({ type: 'xdp', name: 'wrong', instructions, license: 'Dual BSD/GPL' })
      program.pin(join(world.programs, wrong))
      program.close()
      const saved = [world.save(variant), world.sets(), readdirSync(world.programs)]
      await rejects(open().apply(next), 'IPTABLES_FAILED', /^Cannot run "ip6tables-.*-restore /)
      assert.deepEqual([world.save(variant), world.sets(), readdirSync(world.programs)], saved)
      assert.deepEqual(counts(await open().status()), { old: '7+0' })
    })

    test('apply() that iptables refuses changes nothing', async () => {
      await open().apply(input(rules, { sets: bad }))
      const saved = [world.save(variant), world.sets(), readdirSync(world.programs)]
      process.env.XTABLES_LIBDIR = '/nonexistent'
      try {
        const next = input(['other: drop if udp.dstport == 1 and ip.src in $other'], { sets: { other: ['192.0.2.9'] } })
        await rejects(open().apply(next), 'IPTABLES_MISSING', /extensions? .*\(install the whole package iptables/)
      } finally {
        delete process.env.XTABLES_LIBDIR
      }
      assert.deepEqual([world.save(variant), world.sets(), readdirSync(world.programs)], saved)
    })

    test('apply() names the programs that are not installed', async () => {
      const { PATH } = process.env
      process.env.PATH = '/nonexistent'
      try {
        await rejects(
          open().apply(input(rules, { sets: bad })),
          'IPTABLES_MISSING',
          /it is not installed \(apt-get install ip(tables|set),/,
        )
      } finally {
        process.env.PATH = PATH
      }
    })

    test('apply() and undo() refuse to touch rules of others in the chain', async () => {
      await open().apply(input(rules, { sets: bad }))
      world.run(`iptables-${variant}`, ['-t', 'raw', '-A', 'SEAWALL', '-s', '192.0.2.7', '-j', 'ACCEPT'])
      const saved = world.save(variant)
      const why = /chain SEAWALL has a rule that is not Seawall's: "-A SEAWALL -s 192.0.2.7\/32 -j ACCEPT" \(move it/
      await rejects(open().apply(input(rules, { sets: bad })), 'IPTABLES_FOREIGN', why)
      await rejects(open().undo(), 'IPTABLES_FOREIGN', why)
      assert.equal(world.save(variant), saved)
      world.run(`iptables-${variant}`, ['-t', 'raw', '-D', 'SEAWALL', '-s', '192.0.2.7', '-j', 'ACCEPT'])
    })

    test('apply() refuses rules that iptables cannot keep, all of them, and changes nothing', async () => {
      const saved = world.save(variant)
      const rates = [
        'fast: limit 2M/s if udp',
        'odd: limit 300k/s if udp',
        'deep: limit 1k/s burst 2M if udp',
        'slow: limit 1/h burst 25 if udp',
      ]
      const wrong = input([...rates, 'long: drop if frame.len > 99', 'frame: drop if eth.src == 02:00:00:00:00:09'], {
        interfaces: ['sea+'],
      })
      await rejects(
        open().apply(wrong),
        'IPTABLES_RULE_UNSUPPORTED',
        /7 things of it\n {2}Interface "sea\+" has .*\n {2}Rule "fast" has the rate 2000000\/s.*\n {2}Rule "odd" .*\n {2}Rule "deep" .*\n {2}Rule "slow" .*\n {2}Rule "long" has a test of "frame\.len", wanted "ip\.len"\n {2}Cannot compile rule "frame" for iptables: "eth\.src" needs the frame/,
      )
      const over = input(['over: drop if udp'])
      const until = { ...over, desired: { ...over.desired, rules: [{ ...over.desired.rules[0]!, until: 1n }] } }
      await rejects(
        open().apply(until),
        'IPTABLES_RULE_UNSUPPORTED',
        /Rule "over" has an end, wanted a rule without one$/,
      )
      assert.equal(world.save(variant), saved)
    })

    test('apply() removes what a run that was killed has left', async () => {
      for (const name of ['seawall4-x-00000000', 'seawall6+y-11111111'])
        world.run('ipset', ['create', name, 'hash:net'])
      const folder = world.programs
      mkdirSync(folder)
      const instructions = Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0)
      const program = await Program.load({ type: 'socket_filter', name: 'left', instructions, license: 'Dual BSD/GPL' })
      program.pin(join(folder, '0000000000000000'))
      program.close()
      const { changes } = (await open().apply(input(['a: count if true']))).plan
      assert.deepEqual(
        changes.filter(({ kind }) => kind === 'remove').map(({ text }) => text),
        ['seawall4-x-00000000', 'seawall6+y-11111111', '0000000000000000'],
      )
      assert.deepEqual(
        world.sets().filter((name) => name.startsWith('seawall')),
        [],
      )
      assert.ok(!readdirSync(folder).includes('0000000000000000'))
    })
  })
}

test('apply() gives up when another program holds the xtables lock for too long, and changes nothing', async () => {
  await world.open('legacy').undo()
  const lock = join(world.folder, 'xtables.lock')
  process.env.XTABLES_LOCKFILE = lock
  const holder = start('flock', ['--no-fork', lock, 'sh', '-c', 'echo held; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    await new Promise((resolve) => holder.stdout!.once('data', resolve))
    const [saved, sets] = [world.save('legacy'), world.sets()]
    const iptables = world.open('legacy', { waitSeconds: 1 })
    await rejects(
      iptables.apply(input(rules, { sets: bad })),
      'IPTABLES_LOCKED',
      /has held the xtables lock for 1 s \(wait for it/,
    )
    assert.deepEqual([world.save('legacy'), world.sets()], [saved, sets])
    assert.ok(!existsSync(world.programs))
  } finally {
    delete process.env.XTABLES_LOCKFILE
    await stop(holder)
  }
})

test('plan() refuses a table of nft that iptables cannot show', async () => {
  world.run('nft', ['add table ip6 raw; add chain ip6 raw own { type filter hook output priority 7; }'])
  try {
    await rejects(world.open('nft').plan(), 'IPTABLES_FOREIGN', /it has rules of nftables that iptables cannot show/)
  } finally {
    world.run('nft', ['delete', 'chain', 'ip6', 'raw', 'own'])
  }
})

test('plan() makes no table of the older iptables', async () => {
  const fresh = new IptablesWorld()
  try {
    await fresh.open('legacy').plan(input(rules, { sets: bad }))
    assert.equal(fresh.run('sh', ['-c', 'cat /proc/thread-self/net/ip_tables_names 2>&- || true']), '')
  } finally {
    await fresh.remove()
  }
})
