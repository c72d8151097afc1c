import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { defaultTiming, Peers } from './peers.ts'

const timing = { ...defaultTiming, silentMs: 3_000, steady: 3 }
const order = ['a', 'b', 'c', 'd']
const says = { conducts: false }

describe('Peers', () => {
  test('choice() is nobody until each earlier one has answered or was silent for long enough', () => {
    const peers = new Peers('c', order, timing)
    assert.deepEqual(peers.choice(0), {})
    peers.missed('a', 0)
    peers.answered('b', says, 0)
    assert.deepEqual(peers.choice(0), {})
    peers.missed('a', 3_000)
    assert.deepEqual(peers.choice(3_000), { conductor: 'b' })
  })

  test('choice() is this machine if no earlier one answers, and never a later one then', () => {
    const peers = new Peers('b', order, timing)
    for (const now of [0, 3_000]) peers.missed('a', now)
    peers.answered('c', says, 3_000)
    assert.deepEqual(peers.choice(3_000), { conductor: 'b' })
    assert.deepEqual(new Peers('a', order, timing).choice(0), { conductor: 'a' })
  })

  test('choice() outlives a pause, and returns to one who was silent only after several answers in a row', () => {
    const peers = new Peers('b', order, timing)
    peers.answered('a', says, 0)
    peers.missed('a', 1_000)
    peers.missed('a', 3_999)
    assert.deepEqual(peers.choice(3_999), { conductor: 'a' })
    peers.missed('a', 4_000)
    assert.deepEqual(peers.choice(4_000), { conductor: 'b' })
    for (const now of [5_000, 6_000]) peers.answered('a', says, now)
    peers.missed('a', 7_000)
    for (const now of [8_000, 9_000]) peers.answered('a', says, now)
    assert.deepEqual(peers.choice(9_000), { conductor: 'b' })
    peers.answered('a', says, 10_000)
    assert.deepEqual(peers.choice(10_000), { conductor: 'a' })
  })

  test('choice() is an earlier one whom another hears, for as long as that was said lately', () => {
    const peers = new Peers('b', order, timing)
    for (const now of [0, 3_000]) peers.missed('a', now)
    peers.answered('d', { conducts: false, hears: 'a' }, 3_000)
    assert.deepEqual(peers.choice(5_999), { conductor: 'a', via: 'd' })
    assert.deepEqual(peers.choice(6_000), { conductor: 'b' })
    peers.overheard('d', { conducts: false, hears: 'b' }, 6_000)
    assert.deepEqual(peers.choice(6_000), { conductor: 'b' })
  })

  test('choice() of one who is no backend is the first who answers, and never itself', () => {
    const peers = new Peers('router', ['a'], timing)
    for (const now of [0, 3_000]) peers.missed('a', now)
    assert.deepEqual(peers.choice(3_000), {})
    for (const now of [1, 2, 3]) peers.answered('a', says, now)
    assert.deepEqual(peers.choice(3_000), { conductor: 'a' })
  })

  test('answered() of a name that is not in the configuration is nothing', () => {
    const peers = new Peers('a', order, timing)
    peers.answered('nobody', { conducts: true }, 0)
    assert.deepEqual(peers.conducting(), [])
  })
})
