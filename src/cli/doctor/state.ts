import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { findAgent } from '../../agent/api/index.ts'
import { isBpffs } from '../../linux/bpffs.ts'
import type { Session } from '../session.ts'
import { type Finding, note, ok, problem, warning } from './finding.ts'

/** What is there of Seawall itself: its file system, its agent, its state. */
export async function stateFindings(session: Session): Promise<Finding[]> {
  return [bpffs(session.paths.bpf), await agent(session), await state(session)]
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

async function state(session: Session): Promise<Finding> {
  try {
    const control = await session.control()
    const { firewall } = await control.status()
    return firewall === undefined
      ? note('state', 'nothing is in force')
      : ok('state', `generation ${firewall.generation} is in force`)
  } catch (error) {
    const { code, message } = error as Error & { code?: string }
    if (code === 'SEAWALL_STATE_VERSION') return problem('state', message, 'seawall down, then seawall up')
    return warning('state', `cannot be read: ${message}`, 'see the problems above')
  }
}
