import type { z } from 'zod'
import { Fields } from '../entry/fields.ts'
import { type At, isObject, refuse } from '../entry/schema.ts'
import { encodeName } from '../net/dns-name.ts'
import { NetError } from '../net/errors.ts'
import type { DesiredCheck, DesiredService } from './desired.ts'

interface Timing {
  /** Time from one check to the next, such as `2s`. */
  readonly every?: string
  /** Time for an answer, such as `1s`. */
  readonly timeout?: string
  /** Successes in a row that bring a backend back. */
  readonly rise?: number
  /** Failures in a row that take it out. */
  readonly fall?: number
}

interface OnPort extends Timing {
  /** The service's first port if absent. */
  readonly port?: number
}

/** How it is found out that a backend serves a service: one of tcp, http, dns, udp and command says by what. */
export type CheckConfig =
  /** A connection is accepted. */
  | (OnPort & { readonly tcp: true })
  /** `GET` of a path is answered with a status, 200 if absent. */
  | (OnPort & { readonly http: string; readonly host?: string; readonly status?: number })
  /** A question for a name is answered. */
  | (OnPort & { readonly dns: string })
  /** A datagram is answered; `expect` is what the answer begins with. One character is one byte. */
  | (OnPort & { readonly udp: string; readonly expect?: string })
  /** A program, and its arguments, ends with code 0. */
  | (Timing & { readonly command: readonly string[] })

type Probe = DesiredCheck['probe']
type Kind = Probe['kind']

const kinds: readonly Kind[] = ['tcp', 'http', 'dns', 'udp', 'command']
const timing = ['every', 'timeout', 'rise', 'fall']

/** Keys of each kind beside its own name and those of the timing. */
const more: Readonly<Record<Kind, readonly string[]>> = {
  tcp: ['port'],
  http: ['port', 'host', 'status'],
  dns: ['port'],
  udp: ['port', 'expect'],
  command: [],
}

const EVERY = { from: 100, to: 3_600_000 }
const COUNTS = { from: 1, to: 100 }
const PORTS = { from: 1, to: 65_535 }
/** As much as any path carries without fragments. */
const BYTES = /^[\0-\xff]{1,1200}$/
const WANTED_BYTES = '1 to 1200 characters from \\x00 to \\xff, which are the bytes'
const WANTED =
  'a check such as { tcp: true }, { http: "/health" }, { dns: "example.com" }, { udp: "ping" } or { command: [...] }'

/** Reads a check of a service with such ports; undefined, and an issue added, if it cannot be read. */
export function readCheck(
  context: z.RefinementCtx,
  value: unknown,
  at: At,
  ports: DesiredService['ports'],
): DesiredCheck | undefined {
  if (!isObject(value)) return void refuse(context, at, WANTED)
  const named = kinds.filter((kind) => kind in value)
  const kind = named[0]
  if (kind === undefined || named.length > 1) {
    const found = named.length > 1 ? { found: named.join(' and ') } : {}
    return void refuse(context, at, WANTED, { ...found, remedy: `name one of ${kinds.join(', ')}` })
  }
  const fields = new Fields(context, value, [kind, ...more[kind], ...timing], at)
  const probe = readProbe[kind](fields, ports)
  const everyMs = fields.duration('every', EVERY, 2_000)
  const timeoutMs = fields.duration('timeout', { from: 10, to: everyMs }, Math.min(1_000, everyMs))
  const rise = fields.number('rise', COUNTS, 2)
  const fall = fields.number('fall', COUNTS, 3)
  return probe === undefined || fields.failed ? undefined : { probe, everyMs, timeoutMs, rise, fall }
}

const readProbe: Readonly<Record<Kind, (fields: Fields, ports: DesiredService['ports']) => Probe | undefined>> = {
  tcp(fields, ports) {
    if (fields.get('tcp') !== true) fields.refuse(['tcp'], 'true')
    return { kind: 'tcp', port: readPort(fields, ports) }
  },
  http(fields, ports) {
    const path = fields.text('http', /^\/[\x21-\x7e]*$/, 'a path such as "/health", of ASCII without spaces')
    const host = fields.text('host', /^[\w.:[\]-]{1,255}$/, 'a host name such as "example.com"')
    const status = fields.number('status', { from: 200, to: 599 }, 200)
    const port = readPort(fields, ports)
    return path === undefined
      ? undefined
      : { kind: 'http', port, path, status, ...(host === undefined ? {} : { host }) }
  },
  dns(fields, ports) {
    const name = fields.get('dns')
    const port = readPort(fields, ports)
    if (typeof name === 'string' && isDnsName(name)) return { kind: 'dns', port, name }
    return fields.refuse(['dns'], 'a DNS name such as "example.com"')
  },
  udp(fields, ports) {
    const send = fields.text('udp', BYTES, `${WANTED_BYTES} to send`)
    const expect = fields.text('expect', BYTES, `${WANTED_BYTES} that the answer begins with`)
    const port = readPort(fields, ports)
    return send === undefined ? undefined : { kind: 'udp', port, send, ...(expect === undefined ? {} : { expect }) }
  },
  command(fields) {
    const command = fields.get('command')
    if (isCommand(command)) return { kind: 'command', command }
    return fields.refuse(['command'], 'a program and its arguments, such as ["/usr/local/bin/check", "--fast"]')
  },
}

function readPort(fields: Fields, ports: DesiredService['ports']): number {
  if (fields.has('port') || ports !== 'all') return fields.number('port', PORTS, ports === 'all' ? undefined : ports[0])
  fields.refuse(['port'], 'a port to check', { remedy: 'the service has all ports: name one of them' })
  return PORTS.from
}

function isDnsName(name: string): boolean {
  try {
    return name !== '' && encodeName(name).length > 0
  } catch (error) {
    if (error instanceof NetError) return false
    throw error
  }
}

function isCommand(value: unknown): value is readonly string[] {
  if (!Array.isArray(value) || value.length === 0 || value[0] === '') return false
  return value.every((part) => typeof part === 'string' && !part.includes('\0'))
}
