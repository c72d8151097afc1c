import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { findAgent } from '../../agent/api/find-agent.ts'
import { isBpffs } from '../../linux/bpffs.ts'
import type { Session } from '../session.ts'
import { type Finding, note, ok, problem, warning } from './finding.ts'

export interface State {
  readonly findings: readonly Finding[]
  /** Interfaces that have Seawall's program; undefined if that cannot be known. */
  readonly attached: readonly string[] | undefined
}

/** What is there of Seawall itself: its file system, its agent, its state. */
export async function lookAtState(session: Session): Promise<State> {
  const { finding, attached } = await state(session)
  return { findings: [bpffs(session.paths.bpf), await agent(session), finding], attached }
}

/** Where pinned state is kept, or will be. */
function bpffs(path: string): Finding {
  const mounted = existing(path)
  if (isBpffs(mounted)) return ok('bpffs', `mounted, state is kept at ${path}`)
  const found = `${mounted} is no BPF file system, so state cannot be kept at ${path}`
  return problem('bpffs', found, 'mount -t bpf bpf /sys/fs/bpf (systemd does it at boot)')
}

/** The path, or the nearest folder above it that exists. */
function existing(path: string): string {
  return existsSync(path) || path === '/' ? path : existing(dirname(path))
}

async function agent({ socket }: Session): Promise<Finding> {
  const client = await findAgent(socket)
  if (client !== undefined) return ok('agent', `answers at ${socket}`)
  return note('agent', `does not run (nothing answers at ${socket})`)
}

async function state(session: Session): Promise<{ finding: Finding; attached: readonly string[] | undefined }> {
  try {
    const { firewall } = await (await session.control()).status()
    if (firewall === undefined) return { finding: note('state', 'nothing is in force'), attached: [] }
    const attached = firewall.interfaces.filter((one) => one.attached).map((one) => one.name)
    return { finding: ok('state', `generation ${firewall.generation} is in force`), attached }
  } catch (error) {
    return { finding: stateError(error as Error & { code?: string }), attached: undefined }
  }
}

function stateError({ code, message }: Error & { code?: string }): Finding {
  if (code === 'SEAWALL_STATE_VERSION') return problem('state', message, 'seawall down, then seawall up')
  return warning('state', `cannot be read: ${message}`, 'see the problems above')
}
