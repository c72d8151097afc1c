import { BpfError } from '../bpf/index.ts'
import { SeawallError } from '../entry/errors.ts'
import { type Netns, netnsInode } from '../linux/netns.ts'
import { readSocketFacts, type SocketFacts } from '../linux/socket-facts.ts'
import { noteFlowCookies, withFlowCookie } from './cookies/flow-cookies.ts'
import { clearNew, cookieAt, openPlaces, openSockets, pruned, setWorking, socketSlot } from './destinations.ts'
import {
  type Destination,
  type DestinationKey,
  type Directory,
  destinationKey,
  enrol,
  PLACES,
  type RegisteredSocket,
  type Share,
  writeDirectory,
} from './directory.ts'
import { noteProcesses, shareOf, withDestination, withShare, withSockets } from './generations.ts'
import { GroupProgram, quicPlaceOf } from './group-program.ts'
import type { LiveDispatch } from './live.ts'
import { noteMembership } from './memberships.ts'
import { type GenerationChoice, type Plan, planGeneration, type Wish } from './plan-generation.ts'
import { closeGroup, isSteered, openGroup } from './quic-groups.ts'
import type { RegisterResult } from './types.ts'

/** A socket to register: a descriptor of this process, and whose it is. */
export interface OpenSocket {
  readonly fd: number
  readonly pid?: number
}

/** One that can be registered. */
export interface CheckedSocket extends OpenSocket {
  readonly facts: SocketFacts
}

/**
 * Looks at sockets before anything changes.
 *
 * @throws SeawallError SEAWALL_INPUT for what cannot get traffic: no socket, connected, not listening, of another network namespace
 */
export function checkSockets(netns: Netns, sockets: readonly OpenSocket[]): CheckedSocket[] {
  const inode = netnsInode(netns)
  return sockets.map((socket) => {
    const facts = readSocketFacts(socket.fd)
    const found = facts === undefined ? 'it is something else' : unfit(facts, inode)
    if (facts !== undefined && found === undefined) return { ...socket, facts }
    const whose = socket.pid === undefined ? '' : ` of process ${socket.pid}`
    throw new SeawallError(
      'SEAWALL_INPUT',
      `Cannot register descriptor ${socket.fd}${whose}: ${found}, wanted a listening TCP socket or an unconnected UDP socket of this network namespace`,
    )
  })
}

function unfit({ protocol, state, netns }: SocketFacts, inode: number): string | undefined {
  if (protocol === 'tcp' && state === 'open') return 'it does not listen'
  if (state === 'connected') return 'it is connected'
  return netns === undefined || netns === inode ? undefined : 'it is in another network namespace'
}

/**
 * Gives sockets to a generation of a label. All of them, or, when one fails, none.
 *
 * @throws SeawallError SEAWALL_INPUT, SEAWALL_FULL
 */
export async function registerSockets(
  live: LiveDispatch,
  label: string,
  sockets: readonly CheckedSocket[],
  choice: GenerationChoice,
): Promise<RegisterResult> {
  const wanted = sockets.flatMap((socket) => keysOf(label, socket).map((key) => ({ key, socket })))
  const group = await GroupProgram.load(live, label, wanted)
  try {
    return registerAll(live, { label, wanted, choice, group })
  } finally {
    group?.close()
  }
}

/** Slots in use beyond which those of generations whose sockets are closed are taken back. */
const MANY = 256

/** A server may be restarted again and again, and nobody bind anything. */
function withRoom(live: LiveDispatch): Directory {
  const { directory, manifest } = live
  const taken = directory.destinations.reduce((sum, { shares }) => sum + shares.length, 0)
  return taken < MANY ? directory : pruned(live, directory, manifest.bindings)
}

interface Registration extends Wish {
  /** For those that go by connection ids. */
  readonly group: GroupProgram | undefined
}

function registerAll(live: LiveDispatch, { label, wanted, choice, group }: Registration): RegisterResult {
  const before = withRoom(live)
  const plan = planGeneration(live, before, { label, wanted, choice })
  let directory = enrol(
    plan.directory,
    wanted.map(({ key }) => key),
  )
  for (const { key } of wanted) directory = withShare(directory, find(directory, key).number, plan.generation)
  clearNew(live, before, directory)
  const undo: (() => void)[] = []
  const entries: Registered[] = []
  try {
    for (const { key, socket } of wanted) {
      const destination = find(directory, key)
      const { entry: own, known } = put(live, destination, plan.generation, socket, undo)
      const entry = group?.hasCookies === true ? withFlowCookie(directory, label, own) : own
      if (key.protocol === 'udp')
        noteMembership(live, destination, plan.generation, { fd: socket.fd, place: entry.place })
      directory = withDestination(directory, withEntry(live, destination, plan.generation, entry))
      entries.push({ key, entry, known })
      if (group?.steers(key)) undo.push(group.attach(socket, isSteered(live, destination)))
    }
    directory = noteProcesses(
      directory,
      label,
      plan.generation,
      wanted.map(({ socket: { pid } }) => pid),
    )
    writeDirectory(live.state, directory)
  } catch (error) {
    for (const step of undo) step()
    throw error
  }
  for (const { key } of wanted) openTo(live, find(directory, key), plan, group)
  const results = entries.map((one) => describe(live, find(directory, one.key), plan.generation, one))
  const bound = live.manifest.bindings.some((binding) => binding.label === label)
  return { label, generation: plan.generation, works: plan.works, sockets: results, bound }
}

/** A socket that has a place. */
interface Registered {
  readonly key: DestinationKey
  readonly entry: RegisteredSocket
  readonly known: boolean
}

/** Lets traffic of a destination come to what is registered. */
function openTo(live: LiveDispatch, destination: Destination, plan: Plan, group: GroupProgram | undefined): void {
  openPlaces(live, destination, shareOf(destination, plan.generation)!)
  if (plan.works) setWorking(live, destination, plan.generation)
  if (group?.hasCookies === true) noteFlowCookies(live, destination)
  if (group?.steers(destination)) openGroup(live, destination)
  else closeGroup(live, destination)
}

function describe(
  live: LiveDispatch,
  destination: Destination,
  generation: number,
  { key: { protocol, family }, entry: { place, ...status }, known }: Registered,
): RegisterResult['sockets'][number] {
  const quic = quicPlaceOf(live, destination, generation, place)
  return { protocol, family, ...status, known, ...(quic === undefined ? {} : { quic }) }
}

/** A socket of IPv6 that takes IPv4 is one of either family. */
function keysOf(label: string, { facts: { protocol, family, dualStack } }: CheckedSocket): DestinationKey[] {
  const families = dualStack ? ([4, 6] as const) : ([family] as const)
  return families.map((one) => ({ label, protocol, family: one }))
}

const find = ({ destinations }: Directory, key: DestinationKey): Destination =>
  destinations.find((one) => destinationKey(one) === destinationKey(key))!

/** Puts a socket into the first free place of a generation, unless it is there. */
function put(
  live: LiveDispatch,
  destination: Destination,
  generation: number,
  { fd, pid, facts }: CheckedSocket,
  undo: (() => void)[],
): { readonly entry: RegisteredSocket; readonly known: boolean } {
  const sockets = live.lasting('sockets')
  const { slot } = shareOf(destination, generation)!
  const cookie = `${facts.cookie}`
  const entry = { cookie, address: facts.address, port: facts.port, ...(pid === undefined ? {} : { pid }) }
  const cookies = Array.from({ length: PLACES }, (_, place) => cookieAt(sockets, slot, place))
  const own = cookies.indexOf(cookie)
  if (own >= 0) return { entry: { place: own, ...entry }, known: true }
  const place = cookies.indexOf(undefined)
  if (place < 0) throw full(destination)
  try {
    sockets.setRaw(socketSlot(slot, place), new Uint8Array(BigUint64Array.of(BigInt(fd)).buffer))
  } catch (cause) {
    throw refused(fd, cause)
  }
  undo.push(() => sockets.deleteRaw(socketSlot(slot, place)))
  return { entry: { place, ...entry }, known: false }
}

/** What is known of sockets that are closed goes. */
function withEntry(
  live: LiveDispatch,
  destination: Destination,
  generation: number,
  entry: RegisteredSocket,
): Destination {
  const others = openSockets(live, shareOf(destination, generation) as Share).filter(
    ({ place }) => place !== entry.place,
  )
  const sockets = [...others, entry].sort((a, b) => a.place - b.place)
  return withSockets(destination, generation, sockets)
}

function full({ label, protocol, family }: Destination): SeawallError {
  return new SeawallError(
    'SEAWALL_FULL',
    `Cannot register a socket for "${label}": there are ${PLACES} open for ${protocol} over IPv${family}, wanted fewer (close some, or seawall unregister ${label})`,
  )
}

/** The socket was closed or connected after it was looked at. */
function refused(fd: number, cause: unknown): unknown {
  if (!(cause instanceof BpfError)) return cause
  return new SeawallError(
    'SEAWALL_INPUT',
    `Cannot register descriptor ${fd}: ${cause.errno}, wanted a socket that stays open and unconnected (see what its process does, then register it again)`,
    { cause },
  )
}
