import { createHash } from 'node:crypto'
import type { Change } from '../entry/types.ts'
import { formatAddress } from '../net/address.ts'
import { formatPrefix } from '../net/prefix.ts'
import type { DesiredBackend, DesiredBalancer, DesiredService, FollowLoad } from './desired.ts'

/** What an apply would change, services first. */
export function changesOf(before: DesiredBalancer | undefined, after: DesiredBalancer | undefined): Change[] {
  return [
    ...compare(
      'service',
      textsOf(before?.services, ({ id }) => id, describeService),
      textsOf(after?.services, ({ id }) => id, describeService),
    ),
    ...compare(
      'backend',
      textsOf(before?.backends, ({ name }) => name, describeBackend),
      textsOf(after?.backends, ({ name }) => name, describeBackend),
    ),
    ...compare('policy', policiesOf(before), policiesOf(after)),
  ]
}

type Texts = ReadonlyMap<string, string>

function textsOf<T>(all: readonly T[] | undefined, nameOf: (one: T) => string, textOf: (one: T) => string): Texts {
  return new Map((all ?? []).map((one) => [nameOf(one), textOf(one)]))
}

function compare(what: Change['what'], before: Texts, after: Texts): Change[] {
  const gone = [...before].filter(([name]) => !after.has(name))
  return [
    ...gone.map(([name, text]): Change => ({ kind: 'remove', what, name, before: text })),
    ...[...after].flatMap(([name, text]): Change[] => {
      const was = before.get(name)
      if (was === undefined) return [{ kind: 'add', what, name, after: text }]
      return was === text ? [] : [{ kind: 'change', what, name, before: was, after: text }]
    }),
  ]
}

function describeService({
  prefix,
  protocols,
  ports,
  encapsulation,
  backends,
  quic,
  fragments,
  check,
}: DesiredService): string {
  const where = `${formatPrefix(prefix)} ${protocols.join('+')} ${ports === 'all' ? 'all ports' : ports.join(',')}`
  const flags = [
    encapsulation,
    ...(quic ? ['quic'] : []),
    ...(fragments ? ['fragments'] : []),
    ...(check ? [`check ${check.probe.kind}`] : []),
  ]
  return `${where} → ${backends.join(', ')} (${flags.join(', ')})`
}

const describeBackend = ({ address, weight, serverId }: DesiredBackend): string =>
  `${formatAddress(address)} weight ${weight} server id ${serverId}`

const describeFollowing = ({ buckets, everyMs }: FollowLoad): string => `${buckets} buckets every ${everyMs / 1000} s`

/** The key is a secret: of it only that it changes is told. */
function policiesOf(balancer: DesiredBalancer | undefined): Texts {
  if (balancer === undefined) return new Map()
  const { buckets, guePort, transitionMs, key, fleet, followLoad } = balancer
  return new Map([
    ['balancer.buckets', String(buckets)],
    ['balancer.guePort', String(guePort)],
    ['balancer.transition', `${transitionMs / 1000} s`],
    ['balancer.key', `fingerprint ${createHash('sha256').update(key).digest('hex').slice(0, 8)}`],
    ...(fleet === undefined ? [] : [['balancer.fleet', `port ${fleet.port}`] as const]),
    ...(followLoad === undefined ? [] : [['balancer.followLoad', describeFollowing(followLoad)] as const]),
  ])
}
