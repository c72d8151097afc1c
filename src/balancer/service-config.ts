import type { z } from 'zod'
import { Fields } from '../entry/fields.ts'
import { type At, isObject, readPrefix, refuse } from '../entry/schema.ts'
import { formatPrefix, type Prefix } from '../net/prefix.ts'
import { derivedId, idPattern } from '../rules/rule-defaults.ts'
import { closest } from '../rules/suggest.ts'
import { type CheckConfig, readCheck } from './check-config.ts'
import type { DesiredService, Encapsulation, Protocol } from './desired.ts'
import { whyUnusable } from './unusable.ts'

/** What clients talk to: one `port`, several `ports`, or all of them. */
export type ServiceConfig = {
  /** Made of address, protocol and ports if absent. */
  readonly id?: string
  /** An address or a prefix. */
  readonly address: string
  readonly protocol: Protocol | readonly Protocol[]
  /** Names of its backends; all if absent. */
  readonly backends?: readonly string[]
  /** How packets are carried to the backends: `gue` (the default) or `ipip`. */
  readonly encapsulation?: Encapsulation
  /** Packets go where their QUIC connection id says. */
  readonly quic?: boolean
  /** All fragments of a datagram reach one server; otherwise fragments are dropped. */
  readonly fragments?: boolean
  /** How it is found out that a backend serves it; if absent, backends are taken to do so. */
  readonly check?: CheckConfig
} & (
  | { readonly port: number; readonly ports?: never }
  | { readonly ports: 'all' | readonly number[]; readonly port?: never }
)

const keys = ['id', 'address', 'port', 'ports', 'protocol', 'backends', 'encapsulation', 'quic', 'fragments', 'check']

const protocols: readonly unknown[] = ['tcp', 'udp'] satisfies Protocol[]
const PORTS = { from: 1, to: 65_535 }

/** Stands for ports that cannot be read, so that what is read after them finds one. */
const SOME_PORT = [PORTS.from]

/** Reads a service; undefined, and an issue added, if it cannot be read. `names`: of all backends. */
export function readService(
  context: z.RefinementCtx,
  value: unknown,
  at: At,
  names: ReadonlySet<string>,
): DesiredService | undefined {
  if (!isObject(value))
    return void refuse(context, at, 'a service such as { address: "192.0.2.53", port: 53, protocol: "udp" }')
  const fields = new Fields(context, value, keys, at)
  const prefix = readAddress(fields)
  const ports = readPorts(fields)
  const service = {
    protocols: readProtocols(fields),
    ports,
    backends: readNames(fields, names),
    encapsulation: readEncapsulation(fields),
    quic: fields.flag('quic'),
    fragments: fields.flag('fragments'),
  }
  if (service.quic && service.protocols.length > 0 && !service.protocols.includes('udp'))
    fields.refuse(['quic'], 'quic only where protocol is or has udp', { remedy: 'QUIC is carried by UDP' })
  const id = fields.text('id', idPattern, 'a name of letters, digits, ".", "_" and "-", at most 63 characters')
  const check = fields.has('check') ? readCheck(context, value.check, fields.path('check'), ports) : undefined
  if (prefix === undefined || fields.failed) return undefined
  const named = { id: id ?? idOf({ ...service, prefix }), prefix, ...service }
  return check === undefined ? named : { ...named, check }
}

/** Of what makes it this service, in one order: what it is served by may change, and its counters go on. */
function idOf({ prefix, protocols, ports }: Pick<DesiredService, 'prefix' | 'protocols' | 'ports'>): string {
  const list = ports === 'all' ? ports : [...ports].sort((a, b) => a - b).join(',')
  return derivedId([...protocols].sort().join('-'), `${formatPrefix(prefix)} ${list}`)
}

function readAddress(fields: Fields): Prefix | undefined {
  const wanted = 'an address or a prefix such as "192.0.2.53" or "2001:db8:53::/64"'
  const prefix = readPrefix(fields.get('address'), fields.context, fields.path('address'), wanted)
  const remedy = prefix && whyUnusable(prefix)
  if (remedy === undefined) return prefix
  return fields.refuse(['address'], 'addresses that clients can send packets to', { remedy })
}

function readPorts(fields: Fields): DesiredService['ports'] {
  const [one, several] = [fields.has('port'), fields.has('ports')]
  if (one && !several) return [fields.number('port', PORTS)]
  if (one || !several) {
    fields.refuse([], 'port or ports', {
      found: one ? 'port and ports' : 'neither port nor ports',
      remedy: one ? 'remove one of them' : 'for all of them write ports: all',
    })
    return SOME_PORT
  }
  const list = fields.get('ports')
  if (list === 'all') return list
  if (Array.isArray(list) && list.length > 0) return readPortList(fields, list)
  fields.refuse(['ports'], 'all, or a list of ports such as [80, 443]')
  return SOME_PORT
}

function readPortList(fields: Fields, list: readonly unknown[]): readonly number[] {
  const ports = new Set<number>()
  for (const [index, port] of list.entries()) {
    if (!isPort(port)) fields.refuse(['ports', index], `a whole number from ${PORTS.from} to ${PORTS.to}`)
    else if (ports.has(port)) fields.refuse(['ports', index], 'each port once', { remedy: 'remove one' })
    else ports.add(port)
  }
  return ports.size > 0 ? [...ports] : SOME_PORT
}

const isPort = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= PORTS.from && value <= PORTS.to

function readProtocols(fields: Fields): Protocol[] {
  const value = fields.get('protocol')
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  const fine = list.length > 0 && new Set(list).size === list.length && list.every((one) => protocols.includes(one))
  if (fine) return list as Protocol[]
  fields.refuse(['protocol'], 'tcp, udp or ["tcp", "udp"]')
  return []
}

/** Sorted, so that services with the same backends are known as such. */
function readNames(fields: Fields, all: ReadonlySet<string>): string[] {
  if (!fields.has('backends')) return [...all].sort()
  const list = fields.get('backends')
  if (!Array.isArray(list) || list.length === 0) {
    const wanted = 'a list of names of backends such as ["edge1", "edge2"]'
    fields.refuse(['backends'], wanted, { remedy: 'leave it out for all of them' })
    return []
  }
  const names = new Set<string>()
  for (const [index, name] of list.entries()) {
    // Without any backend, that is the mistake to tell.
    if (all.size > 0 && !all.has(name)) refuseName(fields, name, index, all)
    else if (names.has(name)) fields.refuse(['backends', index], 'each backend once', { remedy: 'remove one' })
    names.add(name)
  }
  return [...names].sort()
}

function refuseName(fields: Fields, name: unknown, index: number, all: ReadonlySet<string>): void {
  const meant = typeof name === 'string' ? closest(name, all) : undefined
  const remedy = meant === undefined ? 'see backends' : `did you mean "${meant}"?`
  fields.refuse(['backends', index], 'the name of a backend', { remedy })
}

function readEncapsulation(fields: Fields): Encapsulation {
  const value = fields.get('encapsulation') ?? 'gue'
  if (value === 'gue' || value === 'ipip') return value
  fields.refuse(['encapsulation'], 'gue or ipip')
  return 'gue'
}
