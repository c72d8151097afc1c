import { constants } from 'node:os'
import { errnoName } from '../bpf/ffi/errno.ts'
import { attachToGroup, detachFromGroup } from '../bpf/ffi/socket.ts'
import { load } from '../bpf/index.ts'
import { SeawallError } from '../entry/errors.ts'
import { quic } from '../generated/quic.ts'
import { formatEndpoint, parseAddress } from '../net/address.ts'
import type { Binding } from './binding.ts'
import type { QuicPlace } from './connection-id.ts'
import { loadCookieProgram } from './cookies/cookie-program.ts'
import { openSockets } from './destinations.ts'
import { type Destination, type DestinationKey, type Directory, destinationKey, enrol } from './directory.ts'
import { shareOf } from './generations.ts'
import type { LiveDispatch } from './live.ts'
import type { WantedSocket } from './plan-generation.ts'
import { isSteering, type Policy } from './policy.ts'
import { groupMaps, isSteered, quicIdles } from './quic-groups.ts'
import { quicKey } from './quic-secret.ts'
import type { CheckedSocket } from './register.ts'

/** No destination has it. */
const NOWHERE = 0xffff

/** The program that reads the connection ids or cookies of a label, for the groups that its sockets are in. */
export class GroupProgram {
  /** Whether it goes by cookies. */
  readonly hasCookies: boolean
  readonly #label: string
  readonly #families: ReadonlySet<string>
  readonly #loaded: { readonly fd: number; readonly close: () => void }

  /**
   * Undefined if no binding of the label has sockets like these go by what datagrams say.
   *
   * @throws SeawallError SEAWALL_INPUT for sockets that cannot be in the group of the others
   */
  static async load(
    live: LiveDispatch,
    label: string,
    wanted: readonly WantedSocket[],
  ): Promise<GroupProgram | undefined> {
    const keys = quicIdles(live.manifest.bindings)
    const steered = wanted.filter(({ key }) => keys.has(destinationKey(key)))
    if (steered.length === 0) return undefined
    const directory = enrol(
      live.directory,
      wanted.map(({ key }) => key),
    )
    refuseOtherGroups(live, directory, steered)
    const families = new Set(steered.map(({ key }) => destinationKey(key)))
    const policy = policyOf(live.manifest.bindings, label)
    return new GroupProgram(label, policy, families, await loadProgram(live, directory, label, policy))
  }

  private constructor(
    label: string,
    { flows }: Policy,
    families: ReadonlySet<string>,
    loaded: { readonly fd: number; readonly close: () => void },
  ) {
    this.hasCookies = flows === 'cookie'
    this.#label = label
    this.#families = families
    this.#loaded = loaded
  }

  /** Whether it chooses for a destination. */
  steers(key: DestinationKey): boolean {
    return this.#families.has(destinationKey(key))
  }

  /**
   * Has the program choose in the group of a socket. Returns how to undo it, unless one like it was there before.
   *
   * @throws SeawallError SEAWALL_INPUT
   */
  attach({ fd }: CheckedSocket, isThere: boolean): () => void {
    const result = attachToGroup(fd, this.#loaded.fd)
    if (result === 0) return () => void (isThere || detachFromGroup(fd))
    const found = result === -constants.errno.EINVAL ? 'it was bound without SO_REUSEPORT' : errnoName(result)
    throw alone(fd, this.#label, found)
  }

  /** It stays with the groups that have it. */
  close(): void {
    this.#loaded.close()
  }
}

/** A group has one program. */
function policyOf(bindings: readonly Binding[], label: string): Policy {
  const [first, ...others] = bindings.filter((one) => one.label === label && isSteering(one.flows))
  const other = others.find(({ flows, cookie }) => flows !== first?.flows || cookie !== first?.cookie)
  if (first !== undefined && other === undefined) return first
  throw new SeawallError(
    'SEAWALL_INPUT',
    `Cannot register sockets for "${label}": its bindings have datagrams read in more than one way, wanted the same flows and cookie (bind them to labels of their own)`,
  )
}

async function loadProgram(live: LiveDispatch, { destinations }: Directory, label: string, policy: Policy) {
  const numberOf = (family: 4 | 6): number =>
    destinations.find((one) => destinationKey(one) === destinationKey({ label, protocol: 'udp', family }))?.number ??
    NOWHERE
  const [destination4, destination6] = [numberOf(4), numberOf(6)]
  if (policy.cookie !== undefined) {
    const passes = policy.missing === 'pass'
    return await loadCookieProgram(live, { label, text: policy.cookie, passes, destination4, destination6 })
  }
  const key = quicKey(live.state, label)
  const { programs, close } = await load(quic, {
    config: {
      destination4,
      destination6,
      key0: key.readBigUInt64LE(0),
      key1: key.readBigUInt64LE(8),
    },
    reuse: { ...groupMaps(live), flows: live.map('flows') },
  })
  return { fd: programs.steerQuic.fd, close }
}

/** The kernel chooses among sockets that are bound to the same with `SO_REUSEPORT`, and among no others. */
function refuseOtherGroups(live: LiveDispatch, { destinations }: Directory, steered: readonly WantedSocket[]): void {
  const groups = new Map<string, { readonly address: string; readonly port: number }>()
  for (const { key, socket } of steered) {
    const { fd, facts } = socket
    if (!facts.sharesPort) throw alone(fd, key.label, 'it has no SO_REUSEPORT')
    const destination = destinations.find((one) => destinationKey(one) === destinationKey(key))!
    const own = groups.get(destinationKey(key)) ?? openOf(live, destination)
    groups.set(destinationKey(key), own ?? facts)
    if (own === undefined || (own.address === facts.address && own.port === facts.port)) continue
    const text = ({ address, port }: { readonly address: string; readonly port: number }) =>
      formatEndpoint(parseAddress(address), port)
    throw new SeawallError(
      'SEAWALL_INPUT',
      `Cannot register descriptor ${fd} for "${key.label}": it is bound to ${text(facts)}, wanted ${text(own)} as its other sockets for ${key.protocol} over IPv${key.family}, as one group has the sockets of all generations (bind it there, or seawall unregister ${key.label})`,
    )
  }
}

function openOf(live: LiveDispatch, destination: Destination) {
  return destination.shares.flatMap((share) => openSockets(live, share))[0]
}

function alone(fd: number, label: string, found: string): SeawallError {
  return new SeawallError(
    'SEAWALL_INPUT',
    `Cannot register descriptor ${fd} for "${label}": ${found}, wanted a socket that was bound with it, as those of all generations are in one group with flows quic and cookie (set SO_REUSEPORT before bind, or bind the label with flows first-packet)`,
  )
}

const isQuic = (live: LiveDispatch, { label }: Destination): boolean =>
  live.manifest.bindings.some((one) => one.label === label && one.flows === 'quic')

/** What ids of a registered socket say; undefined if its destination does not go by them. */
export function quicPlaceOf(
  live: LiveDispatch,
  destination: Destination,
  generation: number,
  place: number,
): QuicPlace | undefined {
  if (!isSteered(live, destination) || !isQuic(live, destination)) return undefined
  const { slot } = shareOf(destination, generation)!
  const key = quicKey(live.state, destination.label).toString('hex')
  return { key, generation, destination: destination.number, slot, place }
}
