import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Netns } from '../../src/linux/netns.ts'
import { SERVICE4, SERVICE6 } from '../point-of-presence.ts'
import { startFirst } from '../sessions.ts'
import { eachLine, runCurl, TIMEOUT_S } from './curl.ts'
import { NAMES, ZONE } from './servers.ts'

/** One legitimate request, as its client reports it. */
export interface Request {
  readonly protocol: 'dns' | 'http'
  readonly answered: boolean
  /** Milliseconds; of no meaning when not answered. */
  readonly latencyMs: number
}

export interface ClientsOptions {
  readonly netns: Netns
  readonly cpu: number
  /** A directory of the demo's own. */
  readonly directory: string
  readonly seconds: number
  /** Called as each request ends. */
  readonly onRequest?: (request: Request) => void
}

/** Requests a second of each client program. */
const DNS_RATE = { v4: 400, v6: 100 }
const HTTP_RATE = 25

/** The addresses that HTTP clients have, one each. */
const HTTP_FROM = {
  v4: ['203.0.113.11', '203.0.113.12', '203.0.113.13', '203.0.113.14'],
  v6: ['2001:db8:c::11', '2001:db8:c::12'],
}

/**
 * Runs the good clients for some seconds: dnsperf and curl, over IPv4 and IPv6, each at a constant rate and from an address of
 * its own. Every HTTP request is a connection of its own.
 *
 * @returns every request they made, answered or not.
 */
export async function runClients(options: ClientsOptions): Promise<Request[]> {
  const requests: Request[] = []
  const note = (request: Request) => {
    requests.push(request)
    options.onRequest?.(request)
  }
  const queries = Array.from({ length: NAMES }, (_, i) => `www-${(i * 617) % NAMES}.${ZONE} A\n`)
  writeFileSync(queriesFile(options), queries.join(''))
  await Promise.all([
    dnsClient(options, SERVICE4, '203.0.113.10', DNS_RATE.v4, note),
    dnsClient(options, SERVICE6, '2001:db8:c::10', DNS_RATE.v6, note),
    ...HTTP_FROM.v4.map((from) => httpClient(options, SERVICE4, from, note)),
    ...HTTP_FROM.v6.map((from) => httpClient(options, `[${SERVICE6}]`, from, note)),
  ])
  return requests
}

type Note = (request: Request) => void

const queriesFile = ({ directory }: ClientsOptions): string => join(directory, 'queries')

async function dnsClient(
  options: ClientsOptions,
  server: string,
  from: string,
  rate: number,
  note: Note,
): Promise<void> {
  const args = ['-v', '-s', server, '-a', from, '-d', queriesFile(options), '-Q', `${rate}`, '-l', `${options.seconds}`]
  const child = startFirst('dnsperf', [...args, '-t', `${TIMEOUT_S}`, '-q', `${rate * 4}`, '-c', '4'], options)
  await eachLine(child, child.stdout!, (line) => {
    const request = parseDnsperf(line)
    if (request !== undefined) note(request)
  })
}

/** A line of `dnsperf -v`: `> NOERROR www-1.seawall.example A 0.000123`, or `> T …` when it timed out. */
export function parseDnsperf(line: string): Request | undefined {
  const [mark, code, , , seconds] = line.split(' ')
  if (mark !== '>' || code === undefined) return undefined
  return { protocol: 'dns', answered: code === 'NOERROR', latencyMs: Number(seconds ?? 0) * 1000 }
}

function httpClient(options: ClientsOptions, host: string, from: string, note: Note): Promise<void> {
  const { netns, cpu, seconds } = options
  const urls = [`http://${host}/[1-${Math.round(seconds * HTTP_RATE)}]`]
  const format = '%{http_code} %{time_total}'
  return runCurl({ netns, cpu, from, rate: HTTP_RATE, seconds, format, urls }, (line) => note(parseCurl(line)))
}

/** A line of `curl -w '%{http_code} %{time_total}'`. */
export function parseCurl(line: string): Request {
  const [code, seconds] = line.split(' ')
  return { protocol: 'http', answered: code === '200', latencyMs: Number(seconds) * 1000 }
}
