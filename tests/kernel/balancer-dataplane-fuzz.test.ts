import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Outcome } from '../../src/generated/balancer.ts'
import { Random } from '../arbitraries/random.ts'
import { goodFrame } from '../support/balancer-corpus.ts'
import { corpusPlane, corpusWorld } from '../support/balancer-corpus-plane.ts'
import type { Plane } from '../support/balancer-plane.ts'
import { hex } from '../support/balancer-reader.ts'
import { ruined } from '../support/balancer-ruin.ts'

/** Set SEAWALL_PAIRS for a longer run, and SEAWALL_SEED to begin elsewhere: SEAWALL_PAIRS=1000000 npm test -- balancer-dataplane-fuzz */
const WANTED = Math.max(1, Number(process.env.SEAWALL_PAIRS ?? 60_000))
const FIRST_SEED = Number(process.env.SEAWALL_SEED ?? 1)
const FRAMES_A_SEED = 1000

let plane: Plane

before(async () => {
  plane = await corpusPlane()
})
after(() => plane?.close())

/** Runs so many frames, and says of the first wrong output how to come by it. */
function check(count: number, seed: number, make: (random: Random) => Uint8Array): Map<number, number> {
  const verdicts = new Map<number, number>()
  const random = new Random(seed)
  for (let i = 0; i < count; i++) {
    const frame = make(random)
    const { result, data } = plane.runOnly(frame)
    verdicts.set(result, (verdicts.get(result) ?? 0) + 1)
    const faults = corpusWorld.faults(frame, result, data)
    if (faults.length > 0)
      assert.fail(
        `${faults.join('; ')}: seed ${seed}, frame ${i}\n${hex(frame)}\nbecame, by verdict ${result},\n${hex(data)}`,
      )
  }
  return verdicts
}

const sum = (outcomes: Record<keyof typeof Outcome, number>): number =>
  Object.values(outcomes).reduce((all, each) => all + each, 0)

test(`balancer makes well-formed packets of ${WANTED} good and malformed ones, and each has one outcome`, (t) => {
  const before = plane.outcomes()
  const verdicts = new Map<number, number>()
  let seed = FIRST_SEED
  let done = 0
  for (; done < WANTED; seed++) {
    const count = Math.min(FRAMES_A_SEED, WANTED - done)
    const make = seed % 4 === 0 ? goodFrame : (random: Random) => ruined(goodFrame(random), random)
    for (const [verdict, packets] of check(count, seed, make))
      verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + packets)
    done += count
  }
  const now = plane.outcomes()
  assert.equal(sum(now) - sum(before), done)
  const counts = Object.entries(now).map(([name, count]) => `${name} ${count - before[name as keyof typeof Outcome]}`)
  t.diagnostic(`seeds ${FIRST_SEED} to ${seed - 1}; verdicts ${JSON.stringify([...verdicts])}; ${counts.join(', ')}`)
})
