import * as z from 'zod'
import { SeawallError } from '../entry/errors.ts'
import { Fields } from '../entry/fields.ts'
import { type At, isObject, readPrefix, refuse } from '../entry/schema.ts'
import { isHost, type Prefix } from '../net/prefix.ts'
import { type Binding, formatMatch, isMapped, type Match, parseMatch } from './binding.ts'
import { findConflicts } from './conflicts.ts'
import type { DesiredDispatch, DesiredSuccession, DesiredWatch } from './desired.ts'
import { isLabel, LABEL_WANTED } from './label.ts'
import {
  canSpread,
  type FlowPolicy,
  flowSpread,
  losesFlows,
  type MissingPolicy,
  POLICY_KEYS,
  type Policy,
  type PolicyWords,
  policyFor,
  readPolicy,
  type Spread,
} from './policy.ts'
import { readSuccession, type SuccessionConfig } from './succession-config.ts'
import type { UdpgrmPlace } from './udpgrm/hooks.ts'

/** The `dispatch` part of the configuration. */
export interface DispatchConfig {
  /** Prefixes that become local: what is sent to them reaches sockets of this machine, with no address on an interface. */
  readonly announce?: readonly string[]
  /** What has sockets, by name. */
  readonly labels?: Readonly<Record<string, LabelConfig>>
  /** Whether socket options of udpgrm are answered: for all processes, or for those in a control group such as `/system.slice/game.service`. */
  readonly udpgrm?: boolean | { readonly cgroup: string }
}

export interface LabelConfig {
  /** Each protocol, prefix and port: `tcp 192.0.2.0/24 443`, `udp 2001:db8::/48 20000-49999`, `tcp 192.0.2.1 any`. */
  readonly bind: readonly string[]
  /** What becomes of traffic while no socket of the label is open: `drop` (the default), or `pass` as if it were not bound. */
  readonly missing?: MissingPolicy
  /**
   * How connections and datagrams are spread over the open sockets: by a hash of the client (the default), `round-robin`, `least-loaded` (TCP only:
   * the same without those where connections wait for long), or as the `kernel` does for a group with SO_REUSEPORT.
   */
  readonly spread?: Spread
  /** What has UDP datagrams of a client stay with the socket that it has when another generation of the label works; default `none`. */
  readonly flows?: FlowPolicy
  /** With `flows`: how long one is kept without a datagram, such as `2m`, which is the default. */
  readonly idle?: string
  /** With `flows: cookie`: the classic program that reads it in a datagram, as `tcpdump -ddd` writes it: `2,40 0 0 0,22 0 0 0`. */
  readonly cookie?: string
  /** Takes the sockets of a server that knows nothing of Seawall, whenever it starts: all that is said must hold. */
  readonly process?: {
    /** A service of systemd. */
    readonly unit?: string
    /** Path of a control group, such as `/system.slice/nginx.service`. */
    readonly cgroup?: string
    /** Path of the program. */
    readonly exe?: string
  }
  /** With `process`: the port that the server's sockets are bound to. */
  readonly port?: number
  /** Has each run of the server be a generation of its own: the agent promotes the new one and sees to the end of the old one. */
  readonly generations?: SuccessionConfig
}

const CGROUP = /^\/.*[^/]$/
const CGROUP_WANTED = 'the path of a control group such as /system.slice/nginx.service'

/** A binding, and where in the configuration it is. */
interface Placed extends Binding {
  readonly at: At
}

/** Reads the parts by hand, as those of other capabilities: one mistake hides no other. */
export const dispatchSchema = z
  .record(z.string(), z.unknown(), { error: 'an object with announce, labels and udpgrm' })
  .transform((value, context): DesiredDispatch => {
    const fields = new Fields(context, value, ['announce', 'labels', 'udpgrm'])
    const announce = readAnnounce(fields)
    const udpgrm = readUdpgrm(fields)
    const { placed, watches, successions } = readLabels(fields)
    for (const { first, second, same } of findConflicts(placed)) {
      const wanted = same ? `another binding than ${pathOf(first)}` : `ports that ${pathOf(first)} does not have`
      refuse(context, second.at, wanted, { found: `"${formatMatch(second)}"`, remedy: 'take one of them away' })
    }
    const bindings = placed.map(({ at: _, ...binding }) => binding)
    return { announce, bindings, watches, successions, ...(udpgrm === undefined ? {} : { udpgrm }) }
  })

const pathOf = ({ at: [, label, , index] }: Placed): string => `labels.${label}.bind[${index}]`

function readAnnounce(fields: Fields): Prefix[] {
  const value = fields.get('announce') ?? []
  if (!Array.isArray(value)) {
    fields.refuse(['announce'], 'a list of prefixes such as ["192.0.2.0/24", "2001:db8::/48"]')
    return []
  }
  return value.flatMap((item: unknown, index) => {
    const prefix = readPrefix(item, fields.context, ['announce', index], 'a prefix such as "192.0.2.0/24"')
    if (prefix === undefined) return []
    if (isHost(prefix) || (prefix.length >= 8 && !isMapped(prefix))) return [prefix]
    return fields.refuse(['announce', index], 'a prefix of this machine, /8 or longer') ?? []
  })
}

function readUdpgrm(fields: Fields): UdpgrmPlace | undefined {
  const value = fields.get('udpgrm') ?? false
  if (value === false) return undefined
  if (value === true) return { cgroup: '/' }
  if (!isObject(value))
    return fields.refuse(['udpgrm'], 'true, false, or an object such as { cgroup: "/system.slice" }')
  const own = new Fields(fields.context, value, ['cgroup'], fields.path('udpgrm'))
  const cgroup = own.text('cgroup', CGROUP, CGROUP_WANTED)
  if (cgroup !== undefined) return { cgroup }
  return own.failed ? undefined : own.refuse(['cgroup'], CGROUP_WANTED)
}

interface Labels {
  readonly placed: Placed[]
  readonly watches: DesiredWatch[]
  readonly successions: DesiredSuccession[]
}

const KEYS = ['bind', ...POLICY_KEYS, 'process', 'port', 'generations']

function readLabels(fields: Fields): Labels {
  const labels: Labels = { placed: [], watches: [], successions: [] }
  const value = fields.get('labels') ?? {}
  if (!isObject(value)) {
    fields.refuse(['labels'], 'an object of labels such as { web: { bind: ["tcp 192.0.2.0/24 443"] } }')
    return labels
  }
  for (const [label, item] of Object.entries(value)) {
    if (!isLabel(label)) fields.refuse(['labels', label], LABEL_WANTED, { key: true, found: JSON.stringify(label) })
    if (isObject(item)) readLabel(new Fields(fields.context, item, KEYS, ['labels', label]), label, labels)
    else fields.refuse(['labels', label], 'an object such as { bind: ["tcp 192.0.2.0/24 443"] }')
  }
  return labels
}

function readLabel(fields: Fields, label: string, { placed, watches, successions }: Labels): void {
  const bindings = readBindings(fields, label)
  const watch = readWatch(fields, label, bindings)
  const succession = readSuccession(fields, label, watch?.port)
  placed.push(...bindings)
  if (watch !== undefined) watches.push(watch)
  if (succession !== undefined) successions.push(succession)
}

function readBindings(fields: Fields, label: string): Placed[] {
  const policy = readLabelPolicy(fields)
  const value = fields.get('bind')
  if (!Array.isArray(value)) {
    fields.refuse(['bind'], 'a list of bindings such as ["tcp 192.0.2.0/24 443"]')
    return []
  }
  return value.flatMap((item: unknown, index) => {
    const match = readMatch(fields, item, index)
    if (match === undefined) return []
    const at = fields.path('bind', index)
    if (canSpread(policy, match.protocol)) return [{ ...match, label, ...policyFor(policy, match.protocol), at }]
    const remedy = 'UDP has no queue of connections: give it a label of its own'
    return fields.refuse(['bind', index], `tcp, as the label's spread is ${policy.spread}`, { remedy }) ?? []
  })
}

function readLabelPolicy(fields: Fields): Policy {
  const words = Object.fromEntries(POLICY_KEYS.map((key) => [key, fields.get(key)]))
  const policy = readPolicy(words as PolicyWords, (key, wanted) => fields.refuse([key], wanted))
  if (losesFlows(policy)) fields.refuse(['spread'], flowSpread(policy))
  return policy
}

/** Sockets are of the protocols that the label is bound for. */
function readWatch(fields: Fields, label: string, bindings: readonly Binding[]): DesiredWatch | undefined {
  const value = fields.get('process')
  if (value === undefined && fields.has('port')) return fields.refuse(['port'], 'process, too: whose port it is')
  if (value === undefined) return undefined
  const wanted = 'an object such as { unit: "nginx" }, or with cgroup or exe'
  if (!isObject(value) || Object.keys(value).length === 0) return fields.refuse(['process'], wanted)
  const own = new Fields(fields.context, value, ['unit', 'cgroup', 'exe'], fields.path('process'))
  const texts = {
    unit: own.text('unit', /^[\w@:.\\-]{1,255}$/, 'the name of a systemd service'),
    cgroup: own.text('cgroup', CGROUP, CGROUP_WANTED),
    exe: own.text('exe', /^\/.*[^/]$/, 'the absolute path of a program'),
  }
  const port = fields.number('port', { from: 1, to: 65_535 })
  const process = Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== undefined))
  return { label, process, port, protocols: [...new Set(bindings.map(({ protocol }) => protocol))] }
}

function readMatch(fields: Fields, item: unknown, index: number): Match | undefined {
  const wanted = 'protocol, prefix and port, a range or any, such as "tcp 192.0.2.0/24 443"'
  if (typeof item !== 'string') return fields.refuse(['bind', index], wanted)
  try {
    return parseMatch(item)
  } catch (error) {
    if (!(error instanceof SeawallError)) throw error
    const [, why, remedy] = /: (?:.*wanted )?(.*?)(?: \((write .*)\))?$/.exec(error.message) ?? []
    return fields.refuse(['bind', index], why ?? wanted, remedy === undefined ? {} : { remedy })
  }
}
