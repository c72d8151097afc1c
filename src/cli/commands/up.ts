import type { Agent, AgentEvent } from '../../agent/index.ts'
import { VERSION } from '../../entry/version.ts'
import type { CommandSpec } from '../command.ts'
import { type ConfigOptions, configOption } from '../config-option.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Session } from '../session.ts'
import { logger } from '../up/log.ts'
import { sdNotify } from '../up/sd-notify.ts'
import type { Served } from '../up/serve.ts'

interface UpFlags extends ConfigOptions {
  readonly watch: boolean
}

export const up: CommandSpec<UpFlags> = {
  name: 'up',
  summary: 'run the agent in the foreground',
  details: `Adopts what is in force, or applies the configuration; then serves the local API and the metrics, and reloads when
the configuration or a set file changes, or at SIGHUP. Ctrl-C and SIGTERM end the agent and leave the data plane
as it is: packets stay filtered, and the next agent adopts it. seawall down removes it. With --json the log is one
JSON object a line.`,
  group: 'change',
  examples: [
    ['seawall up', 'with the configuration of this folder'],
    ['seawall up --config /etc/seawall/seawall.yaml --no-watch', 'reload only at SIGHUP'],
  ],
  define: (command) => {
    configOption(command)
    command.option('--no-watch', 'do not reload when files change (default: do)')
  },
  async run(session, { options }) {
    const config = session.configPath(options.config)
    const log = logger(session)
    const info = (event: string, message: string) => log({ level: 'info', event, message })
    info('start', `Seawall ${VERSION}, process ${process.pid}, configuration ${config}`)
    const failures = { count: 0 }
    const listeners: ((event: AgentEvent) => void)[] = [log, (event) => void (isFailure(event) && failures.count++)]
    const tell = (event: AgentEvent) => {
      for (const listener of listeners) listener(event)
    }
    const ended = endOf(session)
    const { Agent } = await import('../../agent/index.ts')
    const { serve } = await import('../up/serve.ts')
    const agent = await Agent.start({ config, paths: session.paths, watch: options.watch, log: tell })
    try {
      const served = await serve(session, agent, {
        applyFailures: () => failures.count,
        onApplyFailed: () => void failures.count++,
        onDown: ended.down,
      })
      listeners.push((event) => void follow(served, event, log))
      await announce(session, agent, served, info)
      const hangup = session.env.onHangup(() => void reload(agent, tell))
      const why = await ended.promise
      hangup()
      await sdNotify(session.env.env, 'STOPPING=1')
      await served.close()
      info('stop', why === 'down' ? 'Everything was removed: all packets pass' : STOPPED)
    } finally {
      await agent.stop()
    }
    return exitCodes.ok
  },
}

const STOPPED = 'The agent stops; the data plane stays as it is (seawall up adopts it, seawall down removes it)'

function isFailure(event: AgentEvent): boolean {
  return event.level === 'error' && event.event === 'apply-failed'
}

/** Resolves at Ctrl-C or SIGTERM, or when a client of the API had everything removed. */
function endOf({ env }: Session): { readonly promise: Promise<'signal' | 'down'>; readonly down: () => void } {
  let down = () => {}
  const promise = new Promise<'signal' | 'down'>((resolve) => {
    down = () => resolve('down')
    if (env.signal.aborted) resolve('signal')
    else env.signal.addEventListener('abort', () => resolve('signal'), { once: true })
  })
  return { promise, down: () => down() }
}

async function announce(
  session: Session,
  agent: Agent,
  served: Served,
  info: (event: string, message: string) => void,
) {
  const { firewall } = await agent.status()
  for (const one of firewall?.interfaces ?? []) {
    info('interface', `${one.name}: ${one.mode} XDP${one.note ? ` (${one.note})` : ''}`)
  }
  info('api', `API at ${served.api.address}`)
  const metrics = served.metrics()
  if (metrics !== undefined) info('metrics', `Metrics at ${metrics}`)
  const why = await sdNotify(session.env.env, '--ready')
  info('ready', `Ready${why === undefined ? '' : `, but systemd could not be told: ${why}`}`)
}

/** SIGHUP applies the configuration again, changed or not; the agent itself tells what came of it. */
async function reload(agent: Agent, log: (event: AgentEvent) => void): Promise<void> {
  try {
    await agent.apply()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    log({ level: 'error', event: 'apply-failed', message: `Cannot reload, so nothing has changed: ${reason}` })
  }
}

async function follow(served: Served, { level }: AgentEvent, log: (event: AgentEvent) => void): Promise<void> {
  if (level !== 'info') return
  try {
    await served.follow()
  } catch (error) {
    log({ level: 'error', event: 'metrics-failed', message: error instanceof Error ? error.message : String(error) })
  }
}
