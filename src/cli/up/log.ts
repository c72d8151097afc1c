import type { AgentEvent } from '../../agent/index.ts'
import type { Session } from '../session.ts'

/** Writes what the agent does: a line with the time for people, a JSON object a line with `--json`. */
export function logger(session: Session): (event: AgentEvent) => void {
  const { stdout, stderr } = session.env
  const paint = { info: (text: string) => text, warn: session.colors.yellow, error: session.colors.red }
  return (event) => {
    const at = new Date(session.env.now()).toISOString()
    if (session.json) return stdout.write(`${JSON.stringify({ at, ...event })}\n`)
    const out = event.level === 'info' ? stdout : stderr
    out.write(`${session.colors.dim(at)}  ${paint[event.level](event.message)}\n`)
  }
}
