import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { digestOf, type Envelope, newNonce, Replays, Signer, WINDOW_MS } from './sign.ts'

const key = new Uint8Array(16).fill(7)
const signer = new Signer(key)

const envelope: Envelope = {
  kind: 'ask',
  from: 'a',
  to: 'b',
  time: 1_700_000_000_000,
  nonce: newNonce(),
  about: 'GET /fleet/table',
  length: 0,
  digest: digestOf(new Uint8Array()),
}

describe('Signer', () => {
  test('open() reads what another with the same key signed', () => {
    assert.deepEqual(new Signer(key).open(signer.sign(envelope)), envelope)
  })

  test('open() refuses what was signed with another key, even one that differs in a bit', () => {
    const other = new Signer(key.with(15, 6))
    assert.throws(() => other.open(signer.sign(envelope)), { refusal: 'forged', message: /balancer\.key/ })
  })

  test('open() refuses a header in which any character was changed, and nothing else happens', () => {
    const header = signer.sign(envelope)
    const changes = fc.tuple(fc.nat(header.length - 1), fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }))
    fc.assert(
      fc.property(changes, ([at, put]) => {
        const text = header.slice(0, at) + put + header.slice(at + 1)
        fc.pre(text !== header && Buffer.from(text.slice(-43), 'base64url').compare(macOf(header)) !== 0)
        assert.throws(() => signer.open(text), { code: 'FLEET_REFUSED', refusal: /unsigned|forged/ })
      }),
      { numRuns: 2_000 },
    )
  })

  test('open() refuses what is no signature, and says so', () => {
    for (const header of [undefined, '', 'Basic YTpi', 'Seawall abc', 'Seawall .', 'x'.repeat(10_000)])
      assert.throws(() => signer.open(header), { refusal: 'unsigned' })
  })

  test('open() refuses an envelope that lacks something, although it is signed', () => {
    const { nonce: _, ...rest } = envelope
    const header = signer.sign(rest as Envelope)
    assert.throws(() => signer.open(header), { refusal: 'unreadable', message: /at nonce: found nothing/ })
  })
})

function macOf(header: string): Buffer {
  return Buffer.from(header.slice(-43), 'base64url')
}

describe('Replays', () => {
  test('admit() takes a message once within its time, and never outside of it', () => {
    const time = envelope.time
    const message = fc.record({ nonce: fc.constantFrom('1', '2', '3'), at: fc.nat(4 * WINDOW_MS) })
    fc.assert(
      fc.property(fc.array(message, { maxLength: 30 }), (messages) => {
        const replays = new Replays()
        const seen = new Set<string>()
        for (const { nonce, at } of messages.sort((a, b) => a.at - b.at)) {
          const now = time - 2 * WINDOW_MS + at
          const refusal = Math.abs(now - time) > WINDOW_MS ? 'expired' : seen.has(nonce) ? 'replayed' : undefined
          if (refusal !== undefined) assert.throws(() => replays.admit({ nonce, time }, now), { refusal })
          else replays.admit({ nonce, time }, now)
          if (refusal === undefined) seen.add(nonce)
        }
      }),
    )
  })

  test('admit() says how far the clocks are apart', () => {
    const old = () => new Replays().admit(envelope, envelope.time + 95_000)
    assert.throws(old, {
      refusal: 'expired',
      message: /95 s old by the clock here, wanted at most 30 s.*set the clocks/,
    })
  })

  test('admit() refuses more than it can remember, until those that it remembers are too old anyway', () => {
    const replays = new Replays(2)
    const { time } = envelope
    for (const nonce of ['1', '2']) replays.admit({ nonce, time }, time)
    assert.throws(() => replays.admit({ nonce: '3', time }, time), { refusal: 'crowded' })
    const later = time + WINDOW_MS + 1
    replays.admit({ nonce: '3', time: later }, later)
  })
})
