import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { before, test } from 'node:test'
import { layoutHash } from '../../src/bpf/btf/layout-hash.ts'
import { readObject } from '../../src/bpf/btf/object-spec.ts'
import { BpfError, BpfMap, BpfObject, load, VerifierError } from '../../src/bpf/index.ts'
import { entry, Outcome, Stage } from '../../src/generated/entry.ts'
import { generate } from '../../tools/bpf2ts/generate.ts'
import { buildBpf } from '../../tools/build-bpf.ts'
import { Mood, type Sighting, shapes } from '../fixtures/generated/shapes.ts'
import { heldDescriptors } from '../support/held-descriptors.ts'

const PACKET = new Uint8Array(64)
const XDP = { aborted: 0, drop: 1, pass: 2 }

before(() => {
  buildBpf({ root: '.' })
})

const image = (): Uint8Array => readFileSync('build/tests/fixtures/shapes.bpf.o')

const peer = { address: 0x0a00_0001, port: 53, flags: 1 }
const sighting: Sighting = {
  at: 0x1234_5678_9abc_def0n,
  from: peer,
  mood: Mood.Bad,
  delta: -3,
  first: true,
  mac: Uint8Array.of(1, 2, 3, 4, 5, 6),
  label: 'abcdefgh',
  counts: [1, 2, 0xffff_ffff],
  peers: [peer, { address: 0xffff_ffff, port: 65_535, flags: 2 }],
}

test('load() gives handles whose values programs see as C wrote them', async () => {
  const { maps, programs, globals, close } = await load(shapes)
  try {
    assert.deepEqual(globals.last.get(), { address: 0, port: 0, flags: 7 })
    assert.equal(programs.copyEvent.testRun({ data: PACKET }).result, XDP.pass)
    maps.sightings.set(globals.last.get(), sighting)
    assert.equal(programs.copyEvent.testRun({ data: PACKET }).result, XDP.drop)
    const events: Sighting[] = []
    assert.equal(
      maps.events.consume((event) => events.push(event)),
      1,
    )
    assert.deepEqual(events, [{ ...sighting, from: { ...peer, port: 443 } }])
    globals.last.set(peer)
    assert.equal(programs.copyEvent.testRun({ data: PACKET }).result, XDP.pass)
  } finally {
    close()
  }
})

test('load() sets constants before the load, and keeps those that are not given', async () => {
  const loud = await load(shapes)
  const quiet = await load(shapes, { config: { quiet: true, sample: 3 } })
  try {
    for (const { maps, programs, globals } of [loud, quiet]) {
      maps.sightings.set(globals.last.get(), sighting)
      for (let i = 0; i < 2; i++) programs.copyEvent.testRun({ data: PACKET })
    }
    assert.equal(loud.globals.seen.get(), 20n)
    assert.equal(quiet.globals.seen.get(), 6n)
    assert.equal(
      quiet.maps.events.consume(() => {}),
      0,
    )
  } finally {
    loud.close()
    quiet.close()
  }
})

test('load() does not change the image that it is given', async () => {
  const mine = image()
  const loaded = await load(shapes, { image: mine, config: { sample: 99 } })
  loaded.close()
  assert.deepEqual(mine, image())
})

test('load() takes other sizes of maps, and maps that exist already', async () => {
  const first = await load(shapes, { maxEntries: { sightings: 5 } })
  const second = await load(shapes, { reuse: { perCpu: first.maps.perCpu.map } })
  try {
    assert.equal(first.maps.sightings.map.maxEntries, 5)
    assert.equal(second.maps.sightings.map.maxEntries, 64)
    assert.equal(second.maps.perCpu.map.id, first.maps.perCpu.map.id)
  } finally {
    first.close()
    second.close()
  }
})

test('load() refuses an object file of another layout', async () => {
  const other = { ...shapes, layout: entry.layout }
  await assert.rejects(load(other), (error) => error instanceof BpfError && error.code === 'BPF_LAYOUT')
})

test('load() says which file is missing, and what makes it', async () => {
  const missing = { ...shapes, object: 'build/nowhere.bpf.o' }
  await assert.rejects(load(missing), /build\/nowhere\.bpf\.o.*npm run build:bpf/)
})

test('load() gives the reason of the verifier, and its log', async () => {
  await assert.rejects(load(shapes, { programs: ['unchecked'] }), (error) => {
    assert.ok(error instanceof VerifierError)
    assert.match(error.summary, /^R1 offset is outside of the packet/)
    assert.doesNotMatch(error.message, /\n/)
    assert.ok(error.log.some((line) => line.startsWith('invalid access to packet')))
    return true
  })
})

test('load() loads only the programs that are named', async () => {
  const { programs, close } = await load(shapes, { programs: ['copyEvent'] })
  try {
    assert.equal(programs.copyEvent.name, 'copy_event')
    assert.throws(() => programs.unchecked, /no program of this name/)
  } finally {
    close()
  }
})

test('load() goes on with other work meanwhile', async () => {
  let turns = 0
  const timer = setInterval(() => (turns += 1), 0)
  const objects = await Promise.all(Array.from({ length: 8 }, () => load(shapes)))
  clearInterval(timer)
  for (const { close } of objects) close()
  assert.ok(turns > 0)
})

test('Loaded can be closed in any order, and twice', async () => {
  const loaded = await load(shapes)
  const view = loaded.maps.perCpu.map
  loaded.maps.events.close()
  view.close()
  loaded.object.close()
  loaded.close()
  loaded.close()
  assert.throws(() => view.fd, /closed/)
  // The variables' memory is no map's any more, but still memory.
  assert.equal(loaded.globals.seen.get(), 0n)
})

test('BpfObject.load() leaves no descriptor behind, whether it works or not', async () => {
  await BpfObject.load(image()).then((object) => object.close())
  const start = heldDescriptors()
  for (let i = 0; i < 5; i++) {
    const object = await BpfObject.load(image())
    object.close()
    await assert.rejects(BpfObject.load(image(), { programs: ['unchecked'] }), VerifierError)
    await assert.rejects(BpfObject.load(image().subarray(0, 4000)), BpfError)
  }
  assert.deepEqual(heldDescriptors(), start)
})

test('BpfObject.load() tells what libbpf says when the kernel was not asked', async () => {
  await assert.rejects(BpfObject.load(new Uint8Array(100), { name: 'nonsense' }), (error) => {
    assert.ok(error instanceof BpfError)
    assert.equal(error.code, 'BPF_OBJECT')
    assert.match(error.message, /^Cannot load object "nonsense": .*not a proper ELF object/)
    return true
  })
})

test('BpfObject.load() puts a map where another of its kind is expected, and no other', async () => {
  const wrong = BpfMap.create({ kind: 'array', name: 'wrong', keySize: 4, valueSize: 8, maxEntries: 1 })
  try {
    await assert.rejects(BpfObject.load(image(), { reuse: { sightings: wrong } }), BpfError)
  } finally {
    wrong.close()
  }
})

test('readObject() reads the types that bpftool reads', () => {
  const { maps, variables } = readObject(image())
  const dump = execFileSync('bpftool', ['-j', 'btf', 'dump', 'file', 'build/tests/fixtures/shapes.bpf.o'], {
    encoding: 'utf8',
  })
  interface Type {
    kind: string
    name: string
    size?: number
    members?: { name: string; bits_offset: number }[]
  }
  const { types } = JSON.parse(dump) as { types: Type[] }
  const value = maps.find(({ name }) => name === 'sightings')?.value
  const expected = types.find(({ kind, name }) => kind === 'STRUCT' && name === 'sighting')
  assert.ok(value?.kind === 'struct' && expected)
  assert.equal(value.size, expected.size)
  assert.deepEqual(
    value.fields.map(({ name, offset }) => ({ name, bits_offset: offset * 8 })),
    expected.members?.map(({ name, bits_offset }) => ({ name, bits_offset })),
  )
  assert.deepEqual(
    variables.map(({ name, section }) => `${section} ${name}`),
    ['.rodata config', '.data last', '.bss seen'],
  )
})

test('layoutHash() is of layouts, not of machine code', () => {
  const shape = readObject(image())
  assert.equal(layoutHash(shape), shapes.layout)
  assert.notEqual(layoutHash({ ...shape, maps: shape.maps.slice(1) }), shapes.layout)
})

test('entry counts what it receives, and passes it as unfiltered while no stage is there', async () => {
  const { maps, programs, close } = await load(entry)
  try {
    for (let i = 0; i < 3; i++) assert.equal(programs.entry.testRun({ data: PACKET }).result, XDP.pass)
    const sum = (outcome: Outcome): readonly [bigint, bigint] =>
      maps.received
        .getPerCpu(outcome)!
        .reduce<readonly [bigint, bigint]>(
          ([packets, bytes], one) => [packets + one.packets, bytes + one.bytes],
          [0n, 0n],
        )
    assert.deepEqual(sum(Outcome.Received), [3n, 192n])
    assert.deepEqual(sum(Outcome.Unfiltered), [3n, 192n])
  } finally {
    close()
  }
})

test('entry goes on to the firewall, or without one to the balancer', async () => {
  const loaded = await load(entry)
  const [drop, pass] = await Promise.all([load(shapes), load(shapes)])
  try {
    const put = (stage: Stage, fd: number): void => loaded.maps.stages.set(stage, fd)
    drop.maps.sightings.set(drop.globals.last.get(), sighting)
    put(Stage.Balancer, drop.programs.copyEvent.fd)
    assert.equal(loaded.programs.entry.testRun({ data: PACKET }).result, XDP.drop)
    put(Stage.Firewall, pass.programs.copyEvent.fd)
    assert.equal(loaded.programs.entry.testRun({ data: PACKET }).result, XDP.pass)
    assert.deepEqual(
      loaded.maps.received.getPerCpu(Outcome.Unfiltered)?.map(({ packets }) => packets),
      loaded.maps.received.getPerCpu(Outcome.Unfiltered)?.map(() => 0n),
    )
  } finally {
    for (const { close } of [loaded, drop, pass]) close()
  }
})

test('BpfObject.load() tells several failures at once apart from successes', async () => {
  const results = await Promise.allSettled([
    ...Array.from({ length: 4 }, () => BpfObject.load(new Uint8Array(100), { name: 'nonsense' })),
    ...Array.from({ length: 4 }, () => BpfObject.load(image())),
  ])
  assert.deepEqual(
    results.map(({ status }) => status),
    [...Array<string>(4).fill('rejected'), ...Array<string>(4).fill('fulfilled')],
  )
  for (const result of results) {
    if (result.status === 'fulfilled') result.value.close()
    else assert.match(String(result.reason), /not a proper ELF object/)
  }
})

for (const [name, reason] of [
  ['padding', /map "refused": key\.id .* 3 bytes of padding before it/],
  ['bitfield', /map "refused": value\.kind .* it is a bitfield/],
  ['pointer', /map "refused": value\.where .* it is a pointer/],
  ['union', /map "refused": value\.either .* it is a union/],
] as const) {
  test(`generate() refuses a ${name}, and names the file and the field`, () => {
    const source = `tests/fixtures/refused-${name}.bpf.c`
    assert.throws(
      () => generate(source),
      (error: Error) => error.message.startsWith(`${source}: Cannot share `) && reason.test(error.message),
    )
  })
}

test('BpfObject.load() and Program.load() close all or nothing when descriptors run out, and blame no verifier', () => {
  const script = [process.execPath, '--import', 'tsx', 'tests/support/few-descriptors.ts']
  const output = execFileSync('sh', ['-c', 'ulimit -n 80 && exec "$@"', 'sh', ...script], { encoding: 'utf8' })
  const { outcomes, before, after } = JSON.parse(output) as { outcomes: string[]; before: string; after: string }
  assert.deepEqual(outcomes, ['BPF_OBJECT EMFILE', 'BPF_REFUSED EMFILE', 'loaded'])
  assert.equal(after, before)
})
