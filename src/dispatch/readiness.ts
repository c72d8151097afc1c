import type { Netns } from '../linux/netns.ts'
import { processStart, readProcessTree } from '../linux/process.ts'
import { type Address, formatEndpoint, parseAddress } from '../net/address.ts'
import { attempt, type Probe, ProbeFailure, plainApproach, probe, type Surroundings } from '../probes/index.ts'
import type { Protocol } from './binding.ts'
import type { Ready } from './desired.ts'
import { isAlive } from './generations.ts'

/** Milliseconds that a probe may take, and that pass after one that has failed. */
const TIMEOUT_MS = 1_000
const PAUSE_MS = 250

/** A generation that waits to be promoted. */
export interface Candidate {
  readonly label: string
  readonly number: number
  readonly pids: readonly number[]
  readonly sockets: readonly CandidateSocket[]
}

interface CandidateSocket {
  readonly protocol: Protocol
  readonly address: string
  readonly port: number
}

/** What is known of a candidate by its probes. */
interface Answer {
  state: 'asking' | 'failed' | 'ready'
  reason: string
  /** When it may be asked again, by performance.now(). */
  next: number
}

/** Knows which generations are ready: their servers have said so, or a probe of their own sockets has succeeded. */
export class Readiness {
  readonly #netns: Netns
  /** Processes that have said so, and when they were started. */
  readonly #said = new Map<number, string>()
  readonly #answers = new Map<string, Answer>()
  readonly #stop = new AbortController()

  constructor(netns: Netns) {
    this.#netns = netns
  }

  close(): void {
    this.#stop.abort()
  }

  /** Notes that a process has said that it is ready. */
  hear(pid: number): void {
    const start = processStart(pid)
    if (start !== undefined) this.#said.set(pid, start)
  }

  /** Undefined if a generation is ready, else why it is not. A probe is begun when it is time for one, and known of later. */
  reasonToWait(candidate: Candidate, ready: Ready): string | undefined {
    if (ready === 'listening') return undefined
    if (ready === 'notify') return this.#hasSaid(candidate) ? undefined : 'it has not said READY=1'
    return this.#ask(candidate, ready)
  }

  /** Forgets generations that do not wait any more, and processes that have ended. */
  keepOnly(candidates: readonly Candidate[]): void {
    const keys = new Set(candidates.map(keyOf))
    for (const key of this.#answers.keys()) if (!keys.has(key)) this.#answers.delete(key)
    for (const [pid, start] of this.#said) if (!isAlive({ pid, start })) this.#said.delete(pid)
  }

  #hasSaid({ pids }: Candidate): boolean {
    return this.#said.size > 0 && readProcessTree()(pids).some((pid) => this.#said.has(pid))
  }

  #ask(candidate: Candidate, what: Probe): string | undefined {
    const answer = this.#answers.get(keyOf(candidate)) ?? { state: 'failed', reason: 'it is asked', next: 0 }
    this.#answers.set(keyOf(candidate), answer)
    if (answer.state === 'failed' && performance.now() >= answer.next) void this.#askOnce(candidate, what, answer)
    return answer.state === 'ready' ? undefined : answer.reason
  }

  async #askOnce(candidate: Candidate, what: Probe, answer: Answer): Promise<void> {
    answer.state = 'asking'
    const surroundings = surroundingsOf(candidate, what, this.#netns)
    const work = (signal: AbortSignal) => probe(what, surroundings, signal)
    const result = await attempt(work, { timeoutMs: TIMEOUT_MS, stop: this.#stop.signal })
    answer.state = result?.ok === true ? 'ready' : 'failed'
    answer.next = performance.now() + PAUSE_MS
    if (result?.ok === false) answer.reason = result.reason
  }
}

const keyOf = ({ label, number }: Candidate): string => `${label} ${number}`

/** A server is asked where its own sockets are: what is bound leads to others still. */
function surroundingsOf({ label, number, pids, sockets }: Candidate, what: Probe, netns: Netns): Surroundings {
  const own = socketFor(what, sockets)
  const address = own && reachable(parseAddress(own.address))
  return {
    netns,
    environment: {
      SEAWALL_LABEL: label,
      SEAWALL_GENERATION: String(number),
      SEAWALL_PID: pids.join(' '),
      SEAWALL_ADDRESS: own === undefined || address === undefined ? '' : formatEndpoint(address, own.port),
    },
    approach() {
      if (address === undefined) throw new ProbeFailure(`it has no socket for a probe by ${what.kind}`)
      return plainApproach(netns, address)
    },
  }
}

/** At the port of the probe, if one is. */
function socketFor(what: Probe, sockets: readonly CandidateSocket[]): CandidateSocket | undefined {
  if (what.kind === 'command') return sockets[0]
  const protocol = what.kind === 'tcp' || what.kind === 'http' ? 'tcp' : 'udp'
  const fitting = sockets.filter((one) => one.protocol === protocol)
  return fitting.find(({ port }) => port === what.port) ?? fitting[0]
}

/** A socket that is bound to any address is reached over the loopback interface. */
function reachable(address: Address): Address {
  if (address.value !== 0n) return address
  return parseAddress(address.family === 4 ? '127.0.0.1' : '::1')
}
