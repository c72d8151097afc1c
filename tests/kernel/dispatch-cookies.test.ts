import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseCookieProgram } from '../../src/dispatch/cookies/program-text.ts'
import { stateFolder } from '../../src/dispatch/pins.ts'
import type { RegisterResult } from '../../src/dispatch/types.ts'
import { openMap } from '../../src/entry/open.ts'
import { u32 } from '../../src/entry/u32.ts'
import { interpret } from '../../src/rules/classic/index.ts'
import { DispatchWorld } from './dispatch-world.ts'

const support = (name: string): string => new URL(`../support/${name}`, import.meta.url).pathname
const PORT = 5300
const HOSTS = { 4: '192.0.2.7', 6: '2001:db8::7' } as const
/** `ldh [0]; ret a` */
const FIRST = '2,40 0 0 0,22 0 0 0'
const policy = { flows: 'cookie', cookie: FIRST }

/** Who answers datagrams with a payload each, as hexadecimal digits. */
async function ask(world: DispatchWorld, host: string, ...payloads: readonly string[]): Promise<readonly string[]> {
  const { stdout, stderr } = await world.run('python3', [support('cookie-asker.py'), host, `${PORT}`, ...payloads])
  return JSON.parse(stdout || `"${stderr}"`)
}

const hex = (cookie: number): string => cookie.toString(16).padStart(4, '0')

const cookiesOf = ({ sockets }: RegisterResult): readonly number[] =>
  [...new Set(sockets.map(({ flowCookie }) => flowCookie!))].sort((a, b) => a - b)

/** Payloads that begin with each cookie, many times. */
const many = (...cookies: readonly number[]): string[] =>
  cookies.flatMap((cookie) => Array.from({ length: 20 }, (_, index) => `${hex(cookie)}${hex(index)}`))

for (const { host, families } of [
  { host: '0.0.0.0', families: [4] },
  { host: '::1', families: [6] },
  { host: '::', families: [4, 6] },
] as const)
  test(`datagrams go to the socket whose cookie they carry: ${host}`, async () => {
    await using world = new DispatchWorld()
    const place = `group:udp:${host}:${PORT}`.replace(/:(::1?):/, ':[$1]:')
    await world.bindWith(policy, ...families.map((family) => `game udp ${HOSTS[family]} ${PORT}`))
    const server = await world.answer('old', place)
    const old = cookiesOf(await world.register('game', server))
    const fresh = cookiesOf(await world.register('game', await world.answer('new', place), 'new'))
    assert.equal(new Set([...old, ...fresh]).size, 4)
    const strange = [1, 2, 3, 4, 5].find((one) => ![...old, ...fresh].includes(one))!
    await world.dispatch.promote('game')
    for (const family of families) {
      const answers = async (payloads: readonly string[]) => new Set(await ask(world, HOSTS[family], ...payloads))
      assert.deepEqual(await answers(many(...old)), new Set(['old']))
      assert.deepEqual(await answers(many(...fresh, strange, 0)), new Set(['new']))
      assert.deepEqual(await answers(['', '00', '01', 'ff']), new Set(['new']))
    }
    await world.stop(server)
    for (const family of families)
      assert.deepEqual(new Set(await ask(world, HOSTS[family], ...many(...old))), new Set(['new']))
    for (const { quic, kept, missing } of world.dispatch.status().destinations) {
      const { named, opening, forged, closed } = quic!
      assert.deepEqual(
        { named, opening, forged, closed, kept, missing },
        { named: 80, opening: 24, forged: 20, closed: 40, kept: 80, missing: 0 },
      )
    }
  })

/** Programs, as `tcpdump -ddd` writes them, that read in each way that there is. */
const PROGRAMS = {
  'a word behind a header': '2,40 0 0 4,22 0 0 0',
  'where the first octet says that there is one': '5,48 0 0 0,21 0 2 64,40 0 0 1,22 0 0 0,6 0 0 0',
  'behind what the first octet counts': '5,48 0 0 0,7 0 0 0,72 0 0 1,22 0 0 0,6 0 0 0',
  'behind an IPv4 header, as it were': '3,177 0 0 0,72 0 0 0,22 0 0 0',
  'the last two octets': '5,128 0 0 0,20 0 0 2,7 0 0 0,72 0 0 0,22 0 0 0',
  'calculated by way of memory': '7,48 0 0 0,2 0 0 3,48 0 0 1,36 0 0 256,97 0 0 3,12 0 0 0,22 0 0 0',
  'of four octets, too large': '2,32 0 0 0,22 0 0 0',
  'the same for all': '1,6 0 0 4660',
  'divided by an octet': '5,48 0 0 0,7 0 0 0,40 0 0 1,60 0 0 0,22 0 0 0',
} as const

const PAYLOADS = [
  '',
  '40',
  '4012',
  '401234',
  '4512345678',
  '00000000abcd',
  '00000000ab',
  '02aabbccddee',
  'ff00112233445566778899aabbccddeeff',
  `05${'11'.repeat(40)}`,
  '1234'.repeat(700),
]

test('cookies are read as the classic machine does', async () => {
  await using world = new DispatchWorld()
  const server = await world.answer('server', `member:udp:127.0.0.1:${PORT}`)
  for (const [name, text] of Object.entries(PROGRAMS)) {
    await world.bindWith({ flows: 'cookie', cookie: text }, `game udp ${HOSTS[4]} ${PORT}`)
    await world.register('game', server)
    using read = openMap(join(stateFolder(world.paths), 'cookies', 'cookie_read'))
    for (const payload of PAYLOADS) {
      const asker = [support('cookie-asker.py'), HOSTS[4], `${PORT}`, payload]
      const { stdout } = await world.run('taskset', ['-c', '0', 'python3', ...asker])
      assert.deepEqual(JSON.parse(stdout), ['server'], name)
      const [first] = read.getPerCpu(u32(0))!
      const found = new DataView(first!.buffer, first!.byteOffset).getUint32(0, true)
      assert.equal(found, interpret(parseCookieProgram(text), Buffer.from(payload, 'hex')), `${name}: ${payload}`)
    }
  }
})

test('without a socket that is open datagrams are refused, or go on as if nothing was bound', async () => {
  await using world = new DispatchWorld()
  const place = `member:udp:0.0.0.0:${PORT}`
  for (const [missing, answer] of [
    ['drop', 'nothing'],
    ['pass', 'other'],
  ] as const) {
    await world.bindWith({ ...policy, missing }, `game udp ${HOSTS[4]} ${PORT}`)
    const server = await world.answer('server', place)
    const [cookie] = cookiesOf(await world.register('game', server))
    const other = await world.answer('other', place)
    assert.deepEqual(await ask(world, HOSTS[4], hex(cookie!), '0000'), ['server', 'server'])
    await world.dispatch.drain('game', (await world.dispatch.generations())[0]!.number)
    assert.deepEqual((await ask(world, HOSTS[4], hex(cookie!)))[0], 'server')
    await world.stop(server)
    assert.deepEqual(
      await ask(world, HOSTS[4], hex(cookie!), '0000'),
      Array(2).fill(answer === 'other' ? answer : 'refused'),
    )
    await world.stop(other)
    await world.dispatch.unregister({ label: 'game' })
  }
})

test('what cannot be a program is refused with what is wrong, as are two of one label', async () => {
  await using world = new DispatchWorld()
  const bind = async (words: object, port = PORT) => await world.bindWith(words, `game udp ${HOSTS[4]} ${port}`)
  for (const [cookie, wanted] of [
    ['', /it begins with "", wanted the number of its instructions, of which there are 0/],
    ['3,40 0 0 0,22 0 0 0', /it begins with "3", wanted the number/],
    ['1,40 0 0', /instruction 0 is "40 0 0"/],
    ['1,40 0 0 0', /goes on behind the end/],
    ['2,999 0 0 0,22 0 0 0', /is none of the classic machine/],
    [undefined, /it begins with ""/],
  ] as const)
    await assert.rejects(bind({ flows: 'cookie', cookie }), { code: 'SEAWALL_INPUT', message: wanted })
  await assert.rejects(bind({ cookie: FIRST }), { message: /wanted flows cookie, too/ })
  await assert.rejects(bind({ ...policy, spread: 'round-robin' }), { message: /client with flows cookie/ })
  await bind(policy)
  await bind({ flows: 'cookie', cookie: '2,40 0 0 4,22 0 0 0' }, PORT + 1)
  const server = await world.answer('server', `member:udp:127.0.0.1:${PORT}`)
  await assert.rejects(world.register('game', server), {
    message: /in more than one way, wanted the same flows and cookie/,
  })
  await bind(policy, PORT + 1)
  await world.register('game', server)
  await world.dispatch.unload()
  assert.deepEqual(await ask(world, '127.0.0.1', '0001'), ['server'])
})
