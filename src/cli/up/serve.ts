import { lstatSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type Listening, metricsText, serveApi, serveMetrics } from '../../agent/api/index.ts'
import type { Agent } from '../../agent/index.ts'
import { VERSION } from '../../entry/version.ts'
import { attachmentCounters } from '../../firewall/sockets/attachments.ts'
import type { Session } from '../session.ts'

export interface Served {
  readonly api: Listening
  /** Url of the metrics, if the configuration wants them served on TCP. */
  metrics(): string | undefined
  /** Follows a configuration whose `metrics.listen` has changed. */
  follow(): Promise<void>
  close(): Promise<void>
}

export interface ServeOptions {
  readonly applyFailures: () => number
  readonly onApplyFailed: () => void
  readonly onDown: () => void
}

/** Serves the local API, and the metrics as far as the configuration wants them. */
export async function serve(session: Session, agent: Agent, options: ServeOptions): Promise<Served> {
  const text = () =>
    metricsText({
      control: agent,
      version: VERSION,
      applyFailures: options.applyFailures,
      sockets: () => attachmentCounters(session.paths),
    })
  const path = socketPath(session, agent)
  removeLink(session.paths.run)
  const api = await serveApi(path, {
    control: agent,
    metrics: text,
    onApplyFailed: options.onApplyFailed,
    onDown: options.onDown,
  })
  const link = linkSocket(session, path)
  const metrics = new MetricsListener(agent, text)
  try {
    await metrics.follow()
  } catch (error) {
    await api.close()
    throw error
  }
  return {
    api,
    metrics: () => metrics.address,
    follow: () => metrics.follow(),
    async close() {
      await Promise.all([api.close(), metrics.close()])
      if (link !== undefined) rmSync(link, { force: true })
    },
  }
}

/** The option wins over the configuration, and a run folder of one's own over the default. */
function socketPath(session: Session, agent: Agent): string {
  const { socket } = agent.loaded.api
  return session.socketGiven || socket === DEFAULT ? session.socket : socket
}

/** What a configuration says that does not say anything. */
const DEFAULT = '/run/seawall/seawall.sock'

/** Commands look in the run folder, so a socket elsewhere has a link there. */
function linkSocket({ paths, socketGiven }: Session, path: string): string | undefined {
  const link = linkPath(paths.run)
  if (path === link || socketGiven) return undefined
  rmSync(link, { force: true })
  symlinkSync(path, link)
  return link
}

/** What an agent that was killed left. None runs now: this one has the lock. */
function removeLink(run: string): void {
  const link = linkPath(run)
  if (lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink()) rmSync(link)
}

const linkPath = (run: string): string => join(run, 'seawall.sock')

/** The metrics on TCP, wherever the configuration in force says. */
class MetricsListener {
  readonly #agent: Agent
  readonly #text: () => Promise<string>
  #wanted: string | undefined
  #listening: Listening | undefined

  constructor(agent: Agent, text: () => Promise<string>) {
    this.#agent = agent
    this.#text = text
  }

  get address(): string | undefined {
    return this.#listening?.address
  }

  async follow(): Promise<void> {
    const wanted = this.#agent.loaded.metrics?.listen
    if (wanted === this.#wanted) return
    this.#wanted = wanted
    await this.close()
    if (wanted !== undefined) this.#listening = await serveMetrics(wanted, this.#text)
  }

  async close(): Promise<void> {
    const listening = this.#listening
    this.#listening = undefined
    await listening?.close()
  }
}
