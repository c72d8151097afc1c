import { type Link, type Loaded, load } from '../../src/bpf/index.ts'
import { type Bucket, balancer, type Config, Outcome, Slot } from '../../src/generated/balancer.ts'
import { findInterface, ipBatch } from '../../src/linux/interface.ts'
import { createNetns, inNetns, removeNetns } from '../../src/linux/netns.ts'
import { addressBytes, parseAddress } from '../../src/net/address.ts'
import { type FlowKey, firstSlot, hashFlow } from './balancer-hash.ts'

export type Protocol = 'tcp' | 'udp'
export const PROTOCOLS: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17 }

export interface PlaneService {
  readonly address: string
  /** Of the prefix; the whole address if left out. */
  readonly length?: number
  /** Any if left out. */
  readonly port?: number
  readonly protocol: Protocol
  /** Number of its pool. */
  readonly pool?: number
  readonly index?: number
  readonly gue?: boolean
  readonly quic?: boolean
  readonly fragments?: boolean
}

export interface PlaneBackend {
  readonly address: string
  readonly mtu?: number
  /** The interface that packets come in by if left out. */
  readonly ifindex?: number
  readonly nextHop?: Uint8Array
  readonly link?: Uint8Array
  /** False if the way to it is not known. */
  readonly resolved?: boolean
}

export interface PlaneOptions {
  readonly services: readonly PlaneService[]
  /** From index 1 on. */
  readonly backends: readonly PlaneBackend[]
  /** Of this machine; 0 for none. */
  readonly self?: number
  readonly config?: Partial<Config>
  /** The namespace whose routes and sockets count; one of its own if left out. */
  readonly netns?: string
  /** The interface in it. */
  readonly interface?: string
}

export interface PlaneResult {
  readonly verdict: number
  readonly data: Uint8Array
  readonly outcome: keyof typeof Outcome
}

export const Verdict = { aborted: 0, drop: 1, pass: 2, tx: 3, redirect: 4 } as const

export const KEY: readonly [bigint, bigint] = [0x0706050403020100n, 0x0f0e0d0c0b0a0908n]
export const SELF4 = '10.9.0.100'
export const SELF6 = '2001:db8:9::100'
export const GUE_PORT = 6080
export const NEXT_HOP = Uint8Array.of(2, 0, 0, 0, 0, 0xaa)
export const OWN_MAC = Uint8Array.of(2, 0, 0, 0, 0, 0xbb)

const SLOTS = 4096
const PROBES = 8
const POOL_ROWS = 16_384
const POOLS = 4

const NAMES = Object.keys(Outcome) as (keyof typeof Outcome)[]

/** The balancer's program with the maps that a test says, and packets run through it. Nothing of src/balancer is used. */
export class Plane {
  readonly loaded: Loaded<typeof balancer>
  readonly netns: string
  readonly #ifindex: number
  readonly #link: Link
  readonly #own: boolean
  readonly #context = new DataView(new ArrayBuffer(24))

  static async create(options: PlaneOptions): Promise<Plane> {
    const own = options.netns === undefined
    const netns = options.netns ?? `seawall-plane-${process.pid}-${planes++}`
    if (own) {
      createNetns(netns)
      // Without addresses of their own they send nothing, which would be counted.
      const quiet = ['plane0', 'plane1'].flatMap((name) => [`link set ${name} addrgenmode none`, `link set ${name} up`])
      ipBatch(netns, ['link add plane0 type veth peer name plane1', ...quiet])
    }
    try {
      const loaded = await load(balancer, {
        config: configOf(options),
        maxEntries: { buckets: (POOLS * POOL_ROWS) / 16 },
      })
      return new Plane(loaded, netns, own, options)
    } catch (error) {
      if (own) removeNetns(netns)
      throw error
    }
  }

  private constructor(loaded: Loaded<typeof balancer>, netns: string, own: boolean, options: PlaneOptions) {
    this.loaded = loaded
    this.netns = netns
    this.#own = own
    const { ifindex } = findInterface(netns, options.interface ?? 'plane0')
    this.#ifindex = ifindex
    this.#context.setUint32(12, ifindex, true)
    // Attached, because a test run of a program that is attached nowhere takes 16 ms more.
    this.#link = inNetns(netns, () => loaded.programs.balancer.attachXdp({ ifindex, mode: 'native' }))
    for (const service of options.services) this.setService(service)
    for (const [i, backend] of options.backends.entries()) this.setBackend(i + 1, backend)
  }

  /** The interface that packets come in by. */
  get ifindex(): number {
    return this.#ifindex
  }

  setService(service: PlaneService): void {
    const { address, port = 0, protocol } = service
    const family = parseAddress(address).family
    const length = service.length ?? (family === 4 ? 32 : 128)
    const { gue = false, quic = false, fragments = false, pool = 0, index = 0 } = service
    const common = { protocol: PROTOCOLS[protocol], length, gue, quic, fragments, index, pool: pool * POOL_ROWS }
    const key = addressBytes(parseAddress(address))
    this.#insert(key, { ...common, port, kind: family === 4 ? Slot.Ports4 : Slot.Ports6 })
    this.#insert(key, { ...common, port: 0, kind: family === 4 ? Slot.Portless4 : Slot.Portless6 })
  }

  setBackend(index: number, backend: PlaneBackend): void {
    const { address, mtu = 1500, resolved = true, ifindex = this.#ifindex } = backend
    const { nextHop = NEXT_HOP, link = OWN_MAC } = backend
    const parsed = parseAddress(address)
    const padded = new Uint8Array(16)
    padded.set(addressBytes(parsed))
    const family = parsed.family === 4 ? 2 : 10
    this.loaded.maps.backends.set(index, { address: padded, family, resolved, mtu, ifindex, nextHop, link })
  }

  /** All rows of a pool. */
  fill(bucket: Bucket, pool = 0): void {
    this.fillWith(pool, () => bucket)
  }

  /** Each row of a pool. */
  fillWith(pool: number, bucketOf: (row: number) => Bucket): void {
    const rows = this.#rows().subarray(pool * POOL_ROWS, (pool + 1) * POOL_ROWS)
    for (const row of rows.keys()) rows[row] = wordOf(bucketOf(row))
  }

  /** Which backend a server id of QUIC connection ids stands for. */
  setServer(id: number, backend: number): void {
    this.loaded.maps.serverIds.set(id, backend)
  }

  /** The row of one flow. */
  setRow(flow: FlowKey, bucket: Bucket, pool = 0): void {
    const row = Number(hashFlow(flow, KEY) & BigInt(POOL_ROWS - 1))
    this.#rows()[pool * POOL_ROWS + row] = wordOf(bucket)
  }

  /** What a packet that came in by the interface becomes. */
  run(data: Uint8Array): PlaneResult {
    const before = this.outcomes()
    const { result: verdict, data: after } = this.runOnly(data)
    const now = this.outcomes()
    const changed = NAMES.filter((name) => now[name] !== before[name])
    if (changed.length !== 1 || now[changed[0]!] !== before[changed[0]!] + 1)
      throw new Error(`One packet had the outcomes ${changed.join(', ') || 'none'}: wanted one`)
    return { verdict, data: after, outcome: changed[0]! }
  }

  /** The same without its outcome, which takes longer to find out than the packet takes. */
  runOnly(data: Uint8Array): { readonly result: number; readonly data: Uint8Array } {
    this.#context.setUint32(4, data.length, true)
    const context = new Uint8Array(this.#context.buffer)
    return inNetns(this.netns, () => this.loaded.programs.balancer.testRun({ data, context }))
  }

  outcomes(): Record<keyof typeof Outcome, number> {
    const counts = NAMES.map((name) => {
      const cpus = this.loaded.maps.outcomes.getPerCpu(Outcome[name])!
      return [name, cpus.reduce((sum, each) => sum + Number(each), 0)]
    })
    return Object.fromEntries(counts) as Record<keyof typeof Outcome, number>
  }

  close(): void {
    this.#link.close()
    this.loaded.close()
    if (this.#own) removeNetns(this.netns)
  }

  #rows(): Uint32Array {
    const memory = this.loaded.maps.buckets.map.mmap()
    return new Uint32Array(memory.buffer, memory.byteOffset, memory.byteLength / 4)
  }

  #insert(
    key: Uint8Array,
    slot: Omit<Parameters<Loaded<typeof balancer>['maps']['services']['set']>[1], 'address'>,
  ): void {
    const address = new Uint8Array(16)
    address.set(key)
    const first = firstSlot(key, slot.port, slot.protocol, slot.length, SLOTS - 1)
    for (let probe = 0; probe < PROBES; probe++) {
      const at = (first + probe) % SLOTS
      const there = this.loaded.maps.services.get(at)!
      const same = there.kind === slot.kind && there.port === slot.port && there.protocol === slot.protocol
      if (there.kind !== Slot.Free && !(same && Buffer.compare(there.address, address) === 0)) continue
      this.loaded.maps.services.set(at, { ...slot, address })
      return
    }
    throw new Error('No slot is free near the first one')
  }
}

let planes = 0

const wordOf = ({ current, previous }: Bucket): number => (current | (previous << 16)) >>> 0

function configOf({ services, self = 0, config }: PlaneOptions): Partial<Config> {
  const [four, six] = [shapesOf(services, 4), shapesOf(services, 6)]
  return {
    key: KEY,
    self,
    self4: Buffer.from(addressBytes(parseAddress(SELF4))).readUInt32BE(),
    self6: addressBytes(parseAddress(SELF6)),
    guePort: GUE_PORT,
    serviceMask: SLOTS - 1,
    bucketMask: POOL_ROWS - 1,
    shapes4: padShapes(four),
    shapes4Count: four.length,
    shapes6: padShapes(six),
    shapes6Count: six.length,
    ...config,
  }
}

type Shapes = NonNullable<Partial<Config>['shapes4']>

/** Longest prefix first, then a port before any port. */
function shapesOf(services: readonly PlaneService[], family: 4 | 6): Shapes {
  const bits = family === 4 ? 32 : 128
  const kinds = services
    .filter(({ address }) => parseAddress(address).family === family)
    .map(({ length = bits, port }) => `${String(length).padStart(3, '0')} ${port === undefined ? 0 : 1}`)
  return [...new Set(kinds)]
    .sort()
    .reverse()
    .map((kind) => {
      const [length, port] = kind.split(' ').map(Number) as [number, number]
      return { mask: maskOf(length), length, anyPort: 1 - port }
    })
}

function maskOf(length: number): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, i) => (0xff00 >> Math.min(8, Math.max(0, length - i * 8))) & 0xff)
}

function padShapes(shapes: Shapes): Shapes {
  const none = { mask: new Uint8Array(16), length: 0, anyPort: 0 }
  return Array.from({ length: 8 }, (_, i) => shapes[i] ?? none)
}
