import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Program, RingBuffer } from '../../src/bpf/index.ts'
import {
  createNumber,
  createNumbers,
  createRing,
  loadDiscarding,
  loadRecording,
  readU64,
  record,
  runTimes,
} from './bpf-programs.ts'

/** A ring, and programs that write records of several sizes, numbered from 1 on. */
class World {
  readonly map
  readonly ring: RingBuffer
  readonly #numbers = createNumbers()
  readonly #programs = new Map<number, Program>()

  constructor(bytes = 4096) {
    this.map = createRing(bytes)
    this.ring = RingBuffer.open(this.map)
  }

  async write(count: number, size = 8): Promise<void> {
    const program = this.#programs.get(size) ?? (await loadRecording(this.map, this.#numbers, size))
    this.#programs.set(size, program)
    record(program, this.#numbers, count)
  }

  async discard(count: number): Promise<void> {
    using program = await loadDiscarding(this.map)
    runTimes(program, count)
  }

  /** The numbers of all records that are there; each record says its number all over. */
  read(budget?: number): number[] {
    const found: number[] = []
    this.ring.consume((view, at, length) => {
      const number = view.getBigUint64(at, true)
      for (let more = 8; more < length; more += 8) assert.equal(view.getBigUint64(at + more, true), number)
      found.push(Number(number))
    }, budget)
    return found
  }

  [Symbol.dispose](): void {
    for (const program of this.#programs.values()) program.close()
    this.ring.close()
    this.map.close()
    this.#numbers.close()
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

test('RingBuffer.consume() reads what programs wrote, in order and once', async () => {
  using world = new World()
  assert.deepEqual(world.read(), [])
  await world.write(3)
  assert.deepEqual(world.read(), [1, 2, 3])
  assert.deepEqual(world.read(), [])
})

test('RingBuffer.consume() reads records of all sizes over many turns of the ring, each whole', async () => {
  using world = new World()
  let last = 0
  for (let round = 0; round < 60; round++) {
    const size = 8 * (1 + ((round * 7) % 60))
    const count = Math.floor(4095 / (size + 8))
    await world.write(count, size)
    assert.deepEqual(world.read(), range(last + 1, last + count))
    last += count
  }
})

test('RingBuffer.consume() stops at its budget, and goes on from there', async () => {
  using world = new World()
  await world.write(10)
  assert.deepEqual(world.read(4), [1, 2, 3, 4])
  assert.deepEqual(world.read(0), [])
  assert.deepEqual(world.read(), range(5, 10))
})

test('RingBuffer.consume() passes over records that were given up', async () => {
  using world = new World()
  await world.write(1)
  await world.discard(2)
  await world.write(1)
  await world.discard(1)
  assert.deepEqual(world.read(), [1, 2])
  await world.write(200)
  assert.equal(world.read().length, 200)
})

test('RingBuffer.consume() makes room for new records as it reads', async () => {
  using world = new World()
  await world.write(1000)
  const first = world.read()
  assert.deepEqual(first, range(1, 255))
  await world.write(1)
  assert.deepEqual(world.read(), [1001])
})

test('RingBuffer.consume() counts a record at which its reader throws as read', async () => {
  using world = new World()
  await world.write(3)
  const stop = () => {
    throw new Error('stop')
  }
  assert.throws(() => world.ring.consume(stop), /stop/)
  assert.deepEqual(world.read(), [2, 3])
})

test('RingBuffer.listen() reads on the event loop what comes while it waits', async () => {
  using world = new World(1 << 16)
  const found: number[] = []
  using _listener = world.ring.listen((view, at) => found.push(Number(view.getBigUint64(at, true))))
  for (let round = 0; round < 5; round++) {
    await world.write(100)
    await until(() => found.length === 100 * (round + 1))
  }
  assert.deepEqual(found, range(1, 500))
})

test('RingBuffer.listen() leaves the event loop to others after its budget', async () => {
  using world = new World(1 << 16)
  await world.write(1000)
  let turns = 0
  let count = 0
  const turn = () => {
    turns++
    if (count < 1000) setImmediate(turn)
  }
  setImmediate(turn)
  using _listener = world.ring.listen(() => count++, { budget: 10 })
  await until(() => count === 1000)
  assert.ok(turns >= 50, `${turns} turns`)
})

test('RingBuffer.listen() tells errors of its reader, and goes on with the next record', async () => {
  using world = new World()
  const errors: unknown[] = []
  const found: number[] = []
  using _listener = world.ring.listen(
    (view, at) => {
      const number = Number(view.getBigUint64(at, true))
      if (number === 2) throw new Error('two')
      found.push(number)
    },
    { onError: (error) => errors.push(error) },
  )
  await world.write(3)
  await until(() => found.length === 2)
  assert.deepEqual([found, errors.map(String)], [[1, 3], ['Error: two']])
})

test('RingBuffer.listen() stops when it is closed, by its reader too', async () => {
  using world = new World()
  let count = 0
  const listener = world.ring.listen(
    () => {
      count++
      listener.close()
    },
    { budget: 1 },
  )
  await world.write(5)
  await until(() => count === 1)
  await sleep(20)
  assert.equal(count, 1)
})

test('RingBuffer.close() inside of a reader ends the reading', async () => {
  const world = new World()
  await world.write(5)
  let count = 0
  world.ring.consume(() => {
    count++
    world.ring.close()
  })
  assert.equal(count, 1)
  assert.throws(() => world.read(), { code: 'BPF_CLOSED' })
  world[Symbol.dispose]()
})

test('RingBuffer.records() yields copies until the signal is given', async () => {
  using world = new World()
  const controller = new AbortController()
  const found: bigint[] = []
  await world.write(2)
  const reading = (async () => {
    for await (const record of world.ring.records({ signal: controller.signal })) {
      found.push(readU64(record))
      if (found.length === 5) controller.abort()
    }
  })()
  await sleep(10)
  await world.write(3)
  await reading
  assert.deepEqual(found, [1n, 2n, 3n, 4n, 5n])
})

test('RingBuffer.records() counts what a slow reader had no room for', async () => {
  using world = new World()
  await world.write(50)
  const found: bigint[] = []
  for await (const record of world.ring.records({ waiting: 20 })) {
    found.push(readU64(record))
    if (found.length === 20) break
  }
  assert.equal(world.ring.skipped, 30)
})

test('RingBuffer.records() ends when the ring is closed', async () => {
  const world = new World()
  await world.write(1)
  const found: bigint[] = []
  for await (const record of world.ring.records()) {
    found.push(readU64(record))
    setImmediate(() => world.ring.close())
  }
  assert.deepEqual(found, [1n])
  world[Symbol.dispose]()
})

test('RingBuffer.open() wants a ring', () => {
  using map = createNumber()
  assert.throws(() => RingBuffer.open(map), { code: 'BPF_KIND', message: /of kind array \(wanted ringbuf\)/ })
})

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !condition(); tries++) await sleep(10)
  assert.ok(condition(), 'it did not happen within 5 s')
}
