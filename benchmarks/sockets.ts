// Nanoseconds of a UDP packet from the driver to the process that reads it, without rules in front of the socket and with a limit.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removePins } from '../src/entry/pins.ts'
import { protect } from '../src/firewall/index.ts'
import { attachToSockets, detachFromSockets } from '../src/firewall/sockets/attachments.ts'
import { socketsFolder } from '../src/firewall/sockets/socket-pins.ts'
import { descriptorOf } from '../src/linux/node-sockets.ts'
import { buildPacket, ethernet, ipv4, udp } from '../src/net/build.ts'
import { parseRules } from '../src/rules/index.ts'
import { udpSocketIn } from '../tests/support/sockets.ts'
import { UdpProcess } from '../tests/support/udp-process.ts'
import { Wire } from '../tests/support/wire.ts'
import type { Bench, BenchRun } from './harness/bench.ts'
import { MEASURED_CPU, onCpu } from './harness/on-cpu.ts'
import { SocketReader } from './harness/read-socket.ts'
import { judge, type Result } from './harness/result.ts'
import { type Timing, timingOf } from './harness/timing.ts'

/** Of what it costs to receive a packet. */
const SHARE = 0.07

const PORT = 20_000
/** Packets that a socket has room for, and that are read with one call. */
const BATCH = 64
/** Two processes, because one may have fewer descriptors open. */
const [MIDDLE, LAST] = [34_999, 49_999]
const SOCKETS = LAST - PORT + 1

const LIMITS = {
  'limit of all': 'limit 1M/s burst 1M if udp',
  'limit of each port': 'limit 1M/s burst 1M per udp.dstport if udp',
  'limit of each source': 'limit 1M/s burst 1M per ip.src if udp',
}

export const bench: Bench = async function* (run: BenchRun): AsyncGenerator<Result> {
  const wire = await Wire.create(`seawall-bench-${process.pid}-sockets`)
  try {
    yield* oneSocket(wire, run)
    yield* manySockets(wire, run)
  } finally {
    wire.close()
  }
}

const packetTo = (wire: Wire) =>
  buildPacket(
    ethernet({ dst: wire.mac }),
    ipv4({ src: '10.9.9.9', dst: '10.0.0.1' }),
    udp({ srcport: 9, dstport: PORT, checksum: 0 }),
    'A'.repeat(22),
  )

const result = (what: string, keys: Result['keys'], value: Timing, floor: Timing): Result =>
  judge({ bench: 'sockets', case: what, keys, value, floor, unit: 'ns/packet', target: floor.min * SHARE })

/** Received and read by the same CPU, as on a server that steers packets to where they are read. */
async function* oneSocket(wire: Wire, run: BenchRun): AsyncGenerator<Result> {
  const socket = udpSocketIn(wire.netns, PORT)
  const [packet, reader, fd] = [packetTo(wire), new SocketReader(BATCH), descriptorOf(socket)]
  const once = (): number => {
    const start = process.hrtime.bigint()
    wire.receive(packet, BATCH)
    const read = reader.read(fd)
    const time = process.hrtime.bigint() - start
    if (read !== BATCH) throw new Error(`Cannot measure: ${read} packets were read of ${BATCH}`)
    return Number(time) / BATCH
  }
  const measure = (): number[] => onCpu(MEASURED_CPU, () => Array.from({ length: run.smoke ? 20 : 400 }, once))
  try {
    for (const [what, text] of Object.entries(LIMITS)) {
      const [without, having]: [number[], number[]] = [[], []]
      for (let turn = 0; turn < run.runs; turn++) {
        without.push(...measure())
        using _rules = await protect(socket, text)
        having.push(...measure())
      }
      yield result(`one socket, ${what}`, 'hot', rounded(having), rounded(without))
    }
  } finally {
    socket.close()
  }
}

/** A packet for each of 30,000 sockets in turn, up to their queues; they are read when the time has been taken. */
async function* manySockets(wire: Wire, run: BenchRun): AsyncGenerator<Result> {
  const paths = {
    bpf: `/sys/fs/bpf/seawall-bench-${process.pid}`,
    run: mkdtempSync(join(tmpdir(), 'seawall-')),
    netns: wire.netns,
  }
  const servers: UdpProcess[] = []
  try {
    servers.push(await UdpProcess.start(wire.netns, PORT, MIDDLE), await UdpProcess.start(wire.netns, MIDDLE + 1, LAST))
    await wire.prepareSweep(packetTo(wire), { what: 'ports', from: PORT, to: LAST })
    const measure = async (): Promise<number> => {
      for (const server of servers) server.signal('SIGSTOP')
      const start = process.hrtime.bigint()
      onCpu(MEASURED_CPU, () => wire.sweep(SOCKETS))
      const time = process.hrtime.bigint() - start
      for (const server of servers) server.signal('SIGCONT')
      // Answers come when all that was there has been read.
      for (const server of servers) await server.counts()
      return Number(time) / SOCKETS
    }
    const rules = { rules: parseRules(LIMITS['limit of each port']), sets: new Map(), malformed: 'drop' as const }
    const [without, having]: [number[], number[]] = [[], []]
    for (let turn = 0; turn < Math.min(run.runs, 6); turn++) {
      for (let i = 0; i < 3; i++) without.push(await measure())
      await attachToSockets(paths, { name: 'many', rules, sockets: { ports: [PORT, LAST] } })
      for (let i = 0; i < 3; i++) having.push(await measure())
      await detachFromSockets(paths, 'many')
    }
    yield result('30,000 sockets, limit of each port', 'random', rounded(having), rounded(without))
  } finally {
    for (const server of servers) await server.stop()
    removePins(socketsFolder(paths))
    rmSync(paths.run, { recursive: true })
  }
}

const rounded = (samples: readonly number[]): Timing => timingOf(samples.map((ns) => Math.round(ns * 10) / 10))
