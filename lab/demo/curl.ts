import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { startFirst } from '../sessions.ts'

/** After this time without an answer a request has failed. */
export const TIMEOUT_S = 1

export interface CurlOptions {
  readonly netns: string | null
  readonly cpu?: number
  /** Address of the client. */
  readonly from: string
  /** Requests a second, each a connection of its own. */
  readonly rate: number
  /** It is ended a second after so many seconds, whatever is left to do. */
  readonly seconds: number
  /** Ends it at once. */
  readonly signal?: AbortSignal
  /** What is written of each request, as in `curl -w`, on a line. */
  readonly format: string
  /** What to ask for, in curl's words. */
  readonly urls: readonly string[]
}

/** Ends what is written of a request: curl that is ended meanwhile has not written all of it. */
const END = ' .'

/** Asks for one after the other at a constant rate. Calls `note` with the line of each. */
export async function runCurl(options: CurlOptions, note: (line: string) => void): Promise<void> {
  const { from, rate, seconds, signal, format, urls, ...where } = options
  const args = ['-s', '--rate', `${rate}/s`, '--interface', from, '--max-time', `${TIMEOUT_S}`, '--noproxy', '*']
  // To standard error, which curl does not buffer.
  const answers = ['-H', 'Connection: close', '-w', `%{stderr}${format}${END}\\n`]
  const child = startFirst('curl', [...args, ...answers, ...urls], { ...where, stdio: ['ignore', 'ignore', 'pipe'] })
  const end = () => child.kill()
  const timer = setTimeout(end, 1000 * (seconds + TIMEOUT_S))
  signal?.addEventListener('abort', end)
  await eachLine(child, child.stderr!, (line) => {
    if (line.endsWith(END)) note(line.slice(0, -END.length))
  })
  signal?.removeEventListener('abort', end)
  clearTimeout(timer)
}

/** Until it has ended. */
export function eachLine(child: ChildProcess, from: Readable, work: (line: string) => void): Promise<void> {
  ;(from === child.stdout ? child.stderr : child.stdout)?.resume()
  const lines = createInterface({ input: from })
  lines.on('line', work)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    lines.once('close', resolve)
  })
}
