import assert from 'node:assert/strict'
import { after, afterEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Firewall } from '../../src/firewall/index.ts'
import { assertTidy, Fixture, first, more, ofFirst, ofSecond, second, udpPacket, verdicts } from './firewall-fixture.ts'

const fixture = new Fixture('rollback')
afterEach(() => fixture.reset())
after(() => fixture.remove())

const firewall = () => new Firewall(fixture.paths)

describe('Firewall.rollback', () => {
  test('goes back to the rules, sets and interfaces before, and forth again', async () => {
    await firewall().apply(await fixture.config(first))
    await firewall().apply(await fixture.config(second, more))
    await firewall().rollback()
    assert.equal(verdicts(fixture), ofFirst)
    assertTidy(fixture, ['sea0'])
    await firewall().rollback()
    assert.equal(verdicts(fixture), ofSecond)
    assertTidy(fixture, ['sea0', 'sea2.7'])
    const { received, verdicts: counted } = firewall().counters()
    assert.equal(counted.drop.packets + counted.pass.packets, received.packets)
  })

  test('keeps rules added at run time', async () => {
    await firewall().apply(await fixture.config(first))
    await firewall().apply(await fixture.config(second, more))
    await firewall().drop({ expr: 'udp.dstport == 7', id: 'seven' })
    await firewall().rollback()
    assert.equal(verdicts(fixture), ofFirst)
    assert.equal(fixture.send(udpPacket(7)), 'drop')
  })

  test('of the first generation says that there is none before it', async () => {
    await firewall().apply(await fixture.config(first))
    await assert.rejects(firewall().rollback(), { code: 'SEAWALL_NO_PREVIOUS' })
    await assert.rejects(firewall().confirm(), { code: 'SEAWALL_NOTHING_TO_CONFIRM' })
  })
})

describe('Firewall.apply with a time to confirm it in', () => {
  test('is due when that is over, unless it was confirmed', async () => {
    await firewall().apply(await fixture.config(first))
    const applied = await firewall().apply({ ...(await fixture.config(second, more)), confirmWithinMs: 60_000 })
    const now = process.hrtime.bigint()
    assert.equal(await firewall().rollback(now), undefined)
    assert.equal((await firewall().confirm()).generation, applied.generation)
    assert.equal(firewall().confirmDue(), undefined)
    assert.equal(await firewall().rollback(now + 3_600_000_000_000n), undefined)
    assert.equal(verdicts(fixture), ofSecond)
  })

  test('counts from when it is in force, not from the request', async () => {
    let swapped = 0n
    const step = (name: string) => {
      if (name === 'swapped') swapped = process.hrtime.bigint()
    }
    const within = 60_000
    const request = { ...(await fixture.config(first)), confirmWithinMs: within }
    const { pending } = await new Firewall(fixture.paths, { step }).apply(request)
    const due = firewall().confirmDue()! - BigInt(within) * 1_000_000n
    assert.ok(due >= swapped && due <= process.hrtime.bigint(), `${due - swapped} ns behind the swap`)
    assert.ok(pending!.dueInMs <= within)
  })

  test('rolls back to what was confirmed last, over changes made meanwhile', async () => {
    await firewall().apply(await fixture.config(first))
    await firewall().apply({ ...(await fixture.config(second, more)), confirmWithinMs: 60_000 })
    await firewall().drop({ expr: 'udp.dstport == 7', id: 'seven' })
    await firewall().apply({ ...(await fixture.config(['drop if ip'])), confirmWithinMs: 1 })
    await sleep(5)
    assert.deepEqual(Object.keys((await firewall().rollback(process.hrtime.bigint()))!), ['generation'])
    assert.equal(verdicts(fixture), ofFirst)
    assert.equal(fixture.send(udpPacket(7)), 'drop')
  })

  test('as the first rolls back to nothing', async () => {
    await firewall().apply({ ...(await fixture.config(first)), confirmWithinMs: 1 })
    await sleep(5)
    assert.deepEqual(await firewall().rollback(process.hrtime.bigint()), {})
    assert.deepEqual(fixture.pins(), [])
  })
})
