import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseExpr } from '../parser.ts'
import { formatSignature } from './format-signature.ts'
import { parseSignature } from './parse-signature.ts'

const linux = '4:64:0:*:mss*10,6:mss,sok,ts,nop,ws:df,id+:0'

test('parseSignature() reads all eight parts', () => {
  assert.deepEqual(parseSignature(linux), {
    version: 4,
    ttl: 64,
    anyDistance: false,
    ipOptions: 0,
    mss: 'any',
    window: { kind: 'mss', times: 10 },
    scale: 6,
    layout: [2, 4, 8, 1, 3],
    eolPadding: 0,
    quirks: ['df', 'id+'],
    payload: false,
  })
})

test('formatSignature() gives back what parseSignature() read', () => {
  for (const text of [
    linux,
    '*:128-:0:1460:8192,8:mss,nop,ws,nop,nop,sok:df,id+:*',
    '6:255:0:0:*,*:::+',
    '6:64:0:1220:mtu*2,*:mss,sack,?77,eol+3:ecn,flow,seq-,ack+,ack-,uptr+,urgf+,pushf+,ts1-,ts2+,opt+,exws,bad:0',
    '*:64:0:*:%8192,0:eol+0:0+:0',
  ])
    assert.equal(formatSignature(parseSignature(text)), text)
})

test('parseSignature() reads other spellings of one signature as the same', () => {
  const same = (text: string, other: string) => assert.deepEqual(parseSignature(text), parseSignature(other))
  same('4:54+10:0:*:*,*:::0', '4:64:0:*:*,*:::0')
  same('4:64:0:*:*,*:?2,?0:id+,df,df:0', '4:64:0:*:*,*:mss,eol+0:df,id+:0')
})

/** What is wrong with a signature: the stretch that is pointed at, and the message. */
const mistakes: readonly (readonly [signature: string, at: string, message: RegExp])[] = [
  ['', '', /found nothing as part 2 of eight \(ittl\), wanted the form ver:ittl:/],
  ['5:64:0:*:*,*:::0', '5', /found "5" as IP version, wanted 4, 6 or \*/],
  ['4:0:0:*:*,*:::0', '0', /found "0" as initial TTL, wanted 1 to 255/],
  ['4:64x:0:*:*,*:::0', '64x', /found "64x" as initial TTL/],
  ['4:200+56:0:*:*,*:::0', '56', /found "56" as distance, wanted 0 to 55/],
  ['4:54+1-:0:*:*,*:::0', '54+1-', /one distance or "-", not both/],
  ['4:54+1+1:0:*:*,*:::0', '54+1+1', /one distance or "-", not both/],
  ['4:64:256:*:*,*:::0', '256', /found "256" as length of IP options, wanted 0 to 255/],
  ['4:64:0:65536:*,*:::0', '65536', /found "65536" as MSS, wanted 0 to 65535, or \*/],
  ['4:64:0:*:*:::0', '*', /found "\*" as window size and scale, wanted two/],
  ['4:64:0:*:mss*0,*:::0', '0', /found "0" as multiple of the mss, wanted 1 to 1000/],
  ['4:64:0:*:mtu*1001,*:::0', '1001', /multiple of the mtu, wanted 1 to 1000/],
  ['4:64:0:*:%1,*:::0', '1', /found "1" as divisor of the window, wanted 2 to 65535/],
  ['4:64:0:*:msx*2,*:::0', 'msx*2', /found "msx\*2" as window size, wanted 0 to 65535, mss\*N/],
  ['4:64:0:*:*,256:::0', '256', /found "256" as window scale/],
  ['4:64:0:*:*,*:mss,sko::0', 'sko', /found "sko" as TCP option.*\(did you mean "sok"\?\)/],
  ['4:64:0:*:*,*:mss,::0', ':', /found nothing as TCP option/],
  ['4:64:0:*:*,*:eol::0', 'eol', /wanted eol\+N.*\(write eol\+0/],
  ['4:64:0:*:*,*:eol+1,nop::0', 'eol+1', /found "eol\+1" as option 1 of 2, wanted eol as the last/],
  ['4:64:0:*:*,*:?256::0', '256', /found "256" as kind of option, wanted 0 to 255/],
  [`4:64:0:*:*,*:${'nop,'.repeat(24)}ws::0`, 'ws', /found "ws" as option 25, wanted at most 24/],
  ['4:64:0:*:*,*::dg:0', 'dg', /found "dg" as quirk.*\(did you mean "df"\?\)/],
  ['6:64:0:*:*,*::df:0', 'df', /found "df" as quirk, wanted one that IPv6 can have/],
  ['6:64:0:*:*,*::0+:0', '0+', /wanted one that IPv6 can have/],
  ['4:64:0:*:*,*::flow:0', 'flow', /wanted one that IPv4 can have/],
  ['4:64:0:*:*,*:::1', '1', /found "1" as payload class, wanted 0 \(none\), \+ \(some\) or \*/],
  ['4:64:0:*:*,*:::0:9', '9', /found "9" as a ninth part/],
]

test('parseSignature() refuses what is wrong, and says what it found, what it wants, and where', () => {
  for (const [signature, at, message] of mistakes) {
    assert.throws(
      () => parseSignature(signature),
      (error: { code: string; message: string; column: number; length: number }) => {
        assert.equal(error.code, 'RULE_SYNTAX')
        assert.match(error.message, message)
        assert.equal(signature.slice(error.column - 1, error.column - 1 + error.length), at, signature)
        return true
      },
    )
  }
})

test('parseExpr() points at what is wrong within the signature', () => {
  const text = 'udp or p0f("4:64:0:*:mss*10,6:mss,sok,tz,nop,ws:df,id+:0")'
  assert.throws(() => parseExpr(text), { code: 'RULE_SYNTAX', line: 1, column: text.indexOf('tz') + 1, length: 2 })
  assert.throws(() => parseExpr('p0f(4)'), {
    code: 'RULE_SYNTAX',
    column: 5,
    message: /a p0f signature in double quotes/,
  })
  assert.throws(() => parseExpr('p0f'), { code: 'RULE_UNKNOWN_FIELD' })
})
