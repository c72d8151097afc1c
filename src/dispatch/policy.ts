import { formatDuration, parseDuration } from '../entry/duration.ts'
import { SeawallError } from '../entry/errors.ts'
import { ClassicError, formatBytecode } from '../rules/classic/index.ts'
import type { Protocol } from './binding.ts'
import { COOKIE_WANTED, parseCookieProgram } from './cookies/program-text.ts'

/** What becomes of traffic while no socket is open: it is refused, or goes on as if there were no binding. */
export const MISSING = ['drop', 'pass'] as const
export type MissingPolicy = (typeof MISSING)[number]

/**
 * How what is new is spread over the open sockets: by a hash of the client's address and port, to one after the other, to the one whose queue of
 * connections is the shortest, or by the kernel among the group with SO_REUSEPORT that the socket of the client's hash is in.
 */
export const SPREADS = ['client', 'round-robin', 'least-loaded', 'kernel'] as const
export type Spread = (typeof SPREADS)[number]

/**
 * What has datagrams of a client stay with a socket when another generation works: nothing, that one of them came, that the server
 * answered, the connection id of QUIC, or a cookie that they carry.
 */
export const FLOWS = ['none', 'first-packet', 'answer', 'quic', 'cookie'] as const
export type FlowPolicy = (typeof FLOWS)[number]

/** How a binding deals with what it matches. */
export interface Policy {
  readonly missing: MissingPolicy
  readonly spread: Spread
  readonly flows: FlowPolicy
  /** How long a flow is kept without a datagram, milliseconds. */
  readonly idle: number
  /** With `flows: cookie`, and only then: the classic program that reads it, as {@link parseCookieProgram} writes it. */
  readonly cookie?: string
}

export const defaultPolicy: Policy = { missing: 'drop', spread: 'client', flows: 'none', idle: 120_000 }

/** A policy as people write it: what is not said is as {@link defaultPolicy} has it. */
export interface PolicyWords {
  readonly missing?: string | undefined
  readonly spread?: string | undefined
  readonly flows?: string | undefined
  /** `2m`. */
  readonly idle?: string | undefined
  /** `2,40 0 0 0,22 0 0 0`. */
  readonly cookie?: string | undefined
}

/** All words of a policy. */
export interface FullPolicyWords {
  readonly missing: MissingPolicy
  readonly spread: Spread
  readonly flows: FlowPolicy
  readonly idle: string
  readonly cookie?: string
}

export const POLICY_KEYS = ['missing', 'spread', 'flows', 'idle', 'cookie'] as const

/** Longest time that a flow is kept without a datagram, milliseconds. */
export const LONGEST_IDLE = 86_400_000

/** Reads words; calls `refuse` for each that makes no sense, and goes on with the default. */
export function readPolicy(words: PolicyWords, refuse: (key: keyof PolicyWords, wanted: string) => void): Policy {
  const take = <K extends keyof Policy>(key: K, value: Policy[K] | undefined, wanted: string): Policy[K] => {
    if (value === undefined && words[key] !== undefined) refuse(key, wanted)
    return value ?? defaultPolicy[key]
  }
  const policy = {
    missing: take('missing', oneOf(MISSING, words.missing), MISSING.join(' or ')),
    spread: take('spread', oneOf(SPREADS, words.spread), `one of ${SPREADS.join(', ')}`),
    flows: take('flows', oneOf(FLOWS, words.flows), `one of ${FLOWS.join(', ')}`),
    idle: take('idle', idleOf(words.idle), 'a time such as 2m, from 1s to 1d'),
  }
  const cookie = readCookie(words.cookie, policy.flows, (wanted) => refuse('cookie', wanted))
  return cookie === undefined ? policy : { ...policy, cookie }
}

function readCookie(text: unknown, flows: FlowPolicy, refuse: (wanted: string) => void): string | undefined {
  if (flows !== 'cookie') return text === undefined ? undefined : void refuse('flows cookie, too')
  try {
    return formatBytecode(parseCookieProgram(text))
  } catch (error) {
    if (!(error instanceof ClassicError)) throw error
    refuse(`${COOKIE_WANTED}: ${error.message}`)
    return undefined
  }
}

/** What is wanted in the place of a spread with which flows would be lost. */
export const flowSpread = ({ flows }: Policy): string =>
  isSteering(flows)
    ? `client with flows ${flows}, as the datagrams say the rest`
    : 'another than kernel where flows are kept, as it does not tell whom it chooses'

/** @throws SeawallError SEAWALL_INPUT */
export function parsePolicy(words: PolicyWords, protocol: Protocol): Policy {
  const refuse = (key: keyof PolicyWords, wanted: string): never => {
    throw new SeawallError('SEAWALL_INPUT', `Cannot use ${key} "${words[key]}": wanted ${wanted}`)
  }
  const policy = readPolicy(words, refuse)
  if (protocol === 'tcp' && policy.flows !== 'none')
    refuse('flows', 'none for tcp, whose connections stay by themselves')
  if (losesFlows(policy)) refuse('spread', flowSpread(policy))
  if (!canSpread(policy, protocol))
    refuse('spread', 'client, round-robin or kernel for udp, which has no queue of connections')
  return policy
}

/** Whether a flow would stay with another socket than its first datagram got. */
export const losesFlows = ({ spread, flows }: Policy): boolean =>
  isSteering(flows) ? spread !== 'client' : flows !== 'none' && spread === 'kernel'

/** Whether datagrams say whose they are, which a program in the group of the sockets reads. */
export const isSteering = (flows: FlowPolicy): boolean => flows === 'quic' || flows === 'cookie'

/** Whether sockets of a protocol can be chosen like this. */
export const canSpread = ({ spread }: Pick<Policy, 'spread'>, protocol: Protocol): boolean =>
  protocol === 'tcp' || spread !== 'least-loaded'

/** As it is for a protocol: connections of TCP stay by themselves. */
export function policyFor({ cookie, ...policy }: Policy, protocol: Protocol): Policy {
  if (protocol === 'tcp') return { ...policy, flows: defaultPolicy.flows, idle: defaultPolicy.idle }
  return cookie === undefined ? policy : { ...policy, cookie }
}

export function policyWords({ missing, spread, flows, idle, cookie }: Policy): FullPolicyWords {
  return { missing, spread, flows, idle: formatIdle(idle), ...(cookie === undefined ? {} : { cookie }) }
}

/** So that it can be read again. */
export const formatIdle = (idle: number): string => formatDuration(idle).replaceAll(' ', '')

/** What differs from the default, to read: `missing pass, flows first-packet`. */
export function formatPolicy(policy: Policy): string {
  const words = policyWords(policy)
  const usual = policyWords(defaultPolicy)
  return POLICY_KEYS.filter((key) => words[key] !== usual[key])
    .map((key) => `${key} ${words[key]}`)
    .join(', ')
}

export const isSamePolicy = (a: Policy, b: Policy): boolean =>
  a.missing === b.missing && a.spread === b.spread && a.flows === b.flows && a.idle === b.idle && a.cookie === b.cookie

function oneOf<T extends string>(all: readonly T[], word: unknown): T | undefined {
  return all.find((one) => one === word)
}

function idleOf(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined
  try {
    const idle = parseDuration(text)
    return idle >= 1_000 && idle <= LONGEST_IDLE ? idle : undefined
  } catch {
    return undefined
  }
}
