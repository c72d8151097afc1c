import assert from 'node:assert/strict'
import { after, afterEach, describe, test } from 'node:test'
import { type ApplyRequest, Firewall } from '../../src/firewall/index.ts'
import { assertTidy, Fixture, first, inChild, more, ofFirst, ofSecond, second, verdicts } from './firewall-fixture.ts'

const fixture = new Fixture('kill')
afterEach(() => fixture.reset())
after(() => fixture.remove())

const firewall = () => new Firewall(fixture.paths)

const apply = (request: ApplyRequest, dieAt?: string) =>
  inChild({ paths: fixture.paths, action: 'apply', request, ...(dieAt === undefined ? {} : { dieAt }) })

/** All steps of an apply over an existing state, and of a first one. */
const steps = [
  'sets',
  'parts',
  'maps',
  'loaded',
  'pinned',
  'attached',
  'published',
  'swapped',
  'linked',
  'parts-in-force',
  'detached',
  'collected',
]
const rootSteps = ['root-received', 'root-stages', 'root-entry']

/** Set SEAWALL_KILLS to names of steps, with commas between them, to die at no others. */
const wanted = process.env.SEAWALL_KILLS?.split(',')
const chosen = (among: readonly string[]) => among.filter((step) => wanted?.includes(step) ?? true)

describe('Firewall.apply killed at any step', () => {
  test('has the steps that are tried here', async () => {
    assert.deepEqual(apply(await fixture.config(first)).steps, [...rootSteps, ...steps])
    assert.deepEqual(apply(await fixture.config(second, more)).steps, steps)
  })

  for (const dieAt of chosen(steps)) {
    test(`over a state, at "${dieAt}": the old or the new rules are whole, and the next apply goes on`, async () => {
      await firewall().apply(await fixture.config(first))
      assert.equal(apply(await fixture.config(second, more), dieAt).killed, true)
      const swapped = steps.indexOf(dieAt) >= steps.indexOf('swapped')
      assert.equal(verdicts(fixture), swapped ? ofSecond : ofFirst)
      assert.equal(firewall().status().generation, swapped ? 2 : 1)
      const { received, verdicts: counted } = firewall().counters()
      assert.equal(received.packets, 3)
      assert.equal(counted.drop.packets + counted.pass.packets, 3)

      await firewall().apply(await fixture.config(second, more))
      assert.equal(verdicts(fixture), ofSecond)
      assert.ok(
        firewall()
          .status()
          .interfaces.every((one) => one.attached),
      )
      assertTidy(fixture, ['sea0', 'sea2.7'])
    })
  }

  for (const dieAt of chosen([...rootSteps, ...steps])) {
    test(`of the first, at "${dieAt}": nothing or all is in force, and the next apply goes on`, async () => {
      assert.equal(apply(await fixture.config(first), dieAt).killed, true)
      const swapped = steps.indexOf(dieAt) >= steps.indexOf('swapped')
      assert.equal(firewall().isUp(), swapped)
      await firewall().apply(await fixture.config(first))
      assert.equal(verdicts(fixture), ofFirst)
      assert.deepEqual(
        firewall()
          .status()
          .interfaces.map((one) => one.attached),
        [true],
      )
      await firewall().apply(await fixture.config(second, more))
      assertTidy(fixture, ['sea0', 'sea2.7'])
    })
  }

  test('at "swapped": reconcile attaches the interface that was not pinned yet', async () => {
    await firewall().apply(await fixture.config(first))
    apply(await fixture.config(second, more), 'swapped')
    assert.equal(firewall().status().interfaces[1]!.attached, false)
    await firewall().reconcile()
    assert.equal(firewall().status().interfaces[1]!.attached, true)
    assertTidy(fixture, ['sea0', 'sea2.7'])
  })
})
