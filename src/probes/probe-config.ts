import type { z } from 'zod'
import { Fields } from '../entry/fields.ts'
import { type At, isObject, refuse } from '../entry/schema.ts'
import { encodeName } from '../net/dns-name.ts'
import { NetError } from '../net/errors.ts'
import type { Probe } from './probe.ts'

interface OnPort {
  /** That of the server if absent. */
  readonly port?: number
}

/** How it is found out that a server serves: one of tcp, http, dns, udp and command says by what. */
export type ProbeConfig =
  /** A connection is accepted. */
  | (OnPort & { readonly tcp: true })
  /** `GET` of a path is answered with a status, 200 if absent. */
  | (OnPort & { readonly http: string; readonly host?: string; readonly status?: number })
  /** A question for a name is answered. */
  | (OnPort & { readonly dns: string })
  /** A datagram is answered; `expect` is what the answer begins with. One character is one byte. */
  | (OnPort & { readonly udp: string; readonly expect?: string })
  /** A program, and its arguments, ends with code 0. */
  | { readonly command: readonly string[] }

type Kind = Probe['kind']

const kinds: readonly Kind[] = ['tcp', 'http', 'dns', 'udp', 'command']

/** Keys of each kind beside its own name. */
const more: Readonly<Record<Kind, readonly string[]>> = {
  tcp: ['port'],
  http: ['port', 'host', 'status'],
  dns: ['port'],
  udp: ['port', 'expect'],
  command: [],
}

const PORTS = { from: 1, to: 65_535 }
/** As much as any path carries without fragments. */
const BYTES = /^[\0-\xff]{1,1200}$/
const WANTED_BYTES = '1 to 1200 characters from \\x00 to \\xff, which are the bytes'

/** What a probe may look like, and has beside what it asks. */
export interface ProbeContext {
  /** What is wanted where the value is something else. */
  readonly wanted: string
  /** Keys that are the caller's to read. */
  readonly keys: readonly string[]
  /** Port if none is named; without one it has to be. */
  readonly port?: number
}

/** Reads which probe an object names; `fields` for the caller's keys. Undefined, and an issue added, if it names none. */
export function readProbe(
  context: z.RefinementCtx,
  value: unknown,
  at: At,
  { wanted, keys, port }: ProbeContext,
): { readonly probe: Probe | undefined; readonly fields: Fields } | undefined {
  if (!isObject(value)) return void refuse(context, at, wanted)
  const named = kinds.filter((kind) => kind in value)
  const kind = named[0]
  if (kind === undefined || named.length > 1) {
    const found = named.length > 1 ? { found: named.join(' and ') } : {}
    return void refuse(context, at, wanted, { ...found, remedy: `name one of ${kinds.join(', ')}` })
  }
  const fields = new Fields(context, value, [kind, ...more[kind], ...keys], at)
  return { probe: read[kind](fields, port), fields }
}

const read: Readonly<Record<Kind, (fields: Fields, usual: number | undefined) => Probe | undefined>> = {
  tcp(fields, usual) {
    if (fields.get('tcp') !== true) fields.refuse(['tcp'], 'true')
    return { kind: 'tcp', port: readPort(fields, usual) }
  },
  http(fields, usual) {
    const path = fields.text('http', /^\/[\x21-\x7e]*$/, 'a path such as "/health", of ASCII without spaces')
    const host = fields.text('host', /^[\w.:[\]-]{1,255}$/, 'a host name such as "example.com"')
    const status = fields.number('status', { from: 200, to: 599 }, 200)
    const port = readPort(fields, usual)
    return path === undefined
      ? undefined
      : { kind: 'http', port, path, status, ...(host === undefined ? {} : { host }) }
  },
  dns(fields, usual) {
    const name = fields.get('dns')
    const port = readPort(fields, usual)
    if (typeof name === 'string' && isDnsName(name)) return { kind: 'dns', port, name }
    return fields.refuse(['dns'], 'a DNS name such as "example.com"')
  },
  udp(fields, usual) {
    const send = fields.text('udp', BYTES, `${WANTED_BYTES} to send`)
    const expect = fields.text('expect', BYTES, `${WANTED_BYTES} that the answer begins with`)
    const port = readPort(fields, usual)
    return send === undefined ? undefined : { kind: 'udp', port, send, ...(expect === undefined ? {} : { expect }) }
  },
  command(fields) {
    const command = fields.get('command')
    if (isCommand(command)) return { kind: 'command', command }
    return fields.refuse(['command'], 'a program and its arguments, such as ["/usr/local/bin/check", "--fast"]')
  },
}

function readPort(fields: Fields, usual: number | undefined): number {
  if (fields.has('port') || usual !== undefined) return fields.number('port', PORTS, usual)
  fields.refuse(['port'], 'a port to check', { remedy: 'there is no single port that is usual: name one' })
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
