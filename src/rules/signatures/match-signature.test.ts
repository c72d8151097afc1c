import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildPacket, type Content, ethernet, extension, fragment, ipv4, ipv6, tcp } from '../../net/build.ts'
import { dissect } from '../../net/dissect.ts'
import { formatSignature } from './format-signature.ts'
import { matchesSignature, signatureOf } from './match-signature.ts'
import { parseSignature } from './parse-signature.ts'
import { readSyn } from './syn.ts'

/** Options of Linux: MSS 1460, SACK permitted, timestamps, no-op, scale 7. */
const options = Uint8Array.of(2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 1, 2, 3, 0, 0, 0, 0, 1, 3, 3, 7)
const syn = tcp({ seq: 9, options, window: 14600 })
const plain = ipv4({ flags: 2, id: 7 })
const synOf = (...contents: Content[]) => readSyn(dissect(buildPacket(ethernet(), ...contents)))

function holds(signature: string, ...contents: Content[]): boolean {
  const found = synOf(...contents)
  return found !== undefined && matchesSignature(parseSignature(signature), found)
}

const linux = '4:64:0:*:mss*10,7:mss,sok,ts,nop,ws:df,id+:0'

test('matchesSignature() holds for a SYN with the signature', () => {
  assert.ok(holds(linux, plain, syn))
  assert.ok(holds('*:64:0:1460:14600,*:mss,sok,ts,nop,ws:df,id+:*', plain, syn))
  assert.ok(holds('*:64:0:*:mss*10,7:mss,sok,ts,nop,ws:df,id+,flow:0', plain, syn))
  assert.ok(holds('*:64:0:*:mss*10,7:mss,sok,ts,nop,ws:df,id+:0', ipv6(), syn))
})

test('matchesSignature() does not hold if one part is another', () => {
  for (const [part, ...contents] of [
    ['TTL above', ipv4({ flags: 2, id: 7, ttl: 65 }), syn],
    ['IP options', ipv4({ flags: 2, id: 7, options: Uint8Array.of(1, 1, 1, 0) }), syn],
    ['no DF', ipv4({ id: 7 }), syn],
    ['id 0', ipv4({ flags: 2 }), syn],
    ['ECN', ipv4({ flags: 2, id: 7, tos: 2 }), syn],
    ['ECE', plain, tcp({ seq: 9, options, window: 14600, flags: 0x42 })],
    ['reserved bit', ipv4({ flags: 6, id: 7 }), syn],
    ['seq 0', plain, tcp({ options, window: 14600 })],
    ['ack', plain, tcp({ seq: 9, ack: 2, options, window: 14600 })],
    ['urgent pointer', plain, tcp({ seq: 9, urgentPointer: 1, options, window: 14600 })],
    ['PSH', plain, tcp({ seq: 9, flags: 0x0a, options, window: 14600 })],
    ['URG', plain, tcp({ seq: 9, flags: 0x22, options, window: 14600 })],
    ['payload', plain, syn, 'x'],
    ['window', plain, tcp({ seq: 9, options, window: 14601 })],
    ['layout', plain, tcp({ seq: 9, options: options.slice(0, 16), window: 14600 })],
  ] as [string, ...Content[]][])
    assert.equal(holds(linux, ...contents), false, part)
  assert.equal(holds(linux, ipv6(), syn), false, 'IPv6')
})

test('readSyn() takes only whole SYNs behind plain IP', () => {
  assert.equal(synOf(plain, tcp({ flags: 0x12 })), undefined)
  assert.equal(synOf(plain, tcp({ flags: 0x03 })), undefined)
  assert.equal(synOf(plain, tcp({ flags: 0x06 })), undefined)
  assert.equal(synOf(ipv4({ flags: 3, id: 7 }), syn), undefined)
  assert.equal(synOf(ipv6(), extension(60), syn), undefined)
  assert.equal(synOf(ipv6(), fragment(), syn), undefined)
  assert.notEqual(synOf(ipv6(), syn), undefined)
})

test('matchesSignature() lets a packet come 35 hops far, or any number behind ittl-', () => {
  const at = (ttl: number) => ipv4({ flags: 2, id: 7, ttl })
  assert.ok(holds(linux, at(29), syn))
  assert.equal(holds(linux, at(28), syn), false)
  assert.ok(holds(linux.replace('64', '64-'), at(1), syn))
  assert.equal(holds(linux.replace('64', '64-'), at(65), syn), false)
})

/** The window part of a SYN's own signature. */
function windowOf(window: number, mss: number, version: 4 | 6, timestamp: number): string {
  const bytes = Uint8Array.of(2, 4, mss >> 8, mss, 8, 10, 0, 0, 0, timestamp, 0, 0, 0, 0, 1, 1)
  const found = synOf(version === 4 ? plain : ipv6(), tcp({ window, options: bytes }))!
  return formatSignature(signatureOf(found)).split(':')[4]!.split(',')[0]!
}

test('signatureOf() finds what the window is a multiple of, in the order of p0f', () => {
  assert.equal(windowOf(4000, 1000, 4, 1), 'mss*4')
  assert.equal(windowOf(988 * 3, 1000, 4, 1), 'mss*3')
  assert.equal(windowOf(988 * 3, 1000, 4, 0), '2964')
  assert.equal(windowOf(1460 * 2, 1000, 4, 0), 'mss*2')
  assert.equal(windowOf(1448 * 2, 1000, 4, 0), 'mss*2')
  assert.equal(windowOf(1440 * 2, 1001, 4, 0), '2880')
  assert.equal(windowOf(1440 * 2, 1001, 6, 0), 'mss*2')
  assert.equal(windowOf(1428 * 2, 1001, 6, 0), 'mss*2')
  assert.equal(windowOf(1041 * 3, 1001, 4, 0), 'mtu*3')
  assert.equal(windowOf(1057 * 3, 1001, 4, 0), 'mtu*3')
  assert.equal(windowOf(1061 * 3, 1001, 4, 0), '3183')
  assert.equal(windowOf(1061 * 3, 1001, 6, 0), 'mtu*3')
  assert.equal(windowOf(1500 * 7, 1001, 4, 0), 'mtu*7')
  assert.equal(windowOf(0, 1001, 4, 0), '0')
  assert.equal(windowOf(99 * 2, 99, 4, 0), '198')
})

/** Layout and quirks of a SYN with these options. */
function optionsOf(...bytes: number[]): string {
  const [, , , , , layout, quirks] = formatSignature(
    signatureOf(synOf(plain, tcp({ seq: 9, options: Uint8Array.from(bytes) }))!),
  ).split(':')
  return `${layout} ${quirks!.replace('df,id+', '')}`
}

test('readSyn() reads options even if something is wrong with them', () => {
  assert.equal(optionsOf(), ' ')
  assert.equal(optionsOf(2, 4, 5, 0xb4), 'mss ')
  assert.equal(optionsOf(1, 3, 3, 15), 'nop,ws ,exws')
  assert.equal(optionsOf(2, 4, 5, 0xb4, 0, 0, 0, 0), 'mss,eol+3 ')
  assert.equal(optionsOf(2, 4, 5, 0xb4, 0, 0, 0, 9), 'mss,eol+3 ,opt+')
  assert.equal(optionsOf(8, 10, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1), 'ts,nop,nop ,ts1-,ts2+')
  assert.equal(optionsOf(2, 5, 5, 0xb4), 'mss ,bad')
  assert.equal(optionsOf(1, 2, 4, 5), 'nop,mss ,bad')
  assert.equal(optionsOf(4, 2, 77, 6, 1, 1, 1, 1), 'sok,?77 ')
  assert.equal(optionsOf(1, 1, 77, 6), 'nop,nop,?77 ,bad')
  assert.equal(optionsOf(1, 1, 77, 1), 'nop,nop,?77 ,bad')
  assert.equal(optionsOf(5, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1), 'sack,nop,nop ')
  assert.equal(optionsOf(5, 9, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1), 'sack ,bad')
  assert.equal(optionsOf(...new Array<number>(24).fill(1)), `${new Array(24).fill('nop').join()} `)
  assert.equal(optionsOf(...new Array<number>(28).fill(1)), `${new Array(24).fill('nop').join()} ,bad`)
})
