import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Everything that tests make in the kernel and that outlives a careless one; each thing under a name that is its own. */
export type KernelState = ReadonlySet<string>

/** The environment variable by which a process is known to descend from a run of the tests. */
export const RUN_MARK = 'SEAWALL_TEST_RUN'

/** What exists now: named network namespaces, interfaces, pins, BPF objects, and processes of the run called `mark`. */
export function kernelState(mark: string, bpffs = '/sys/fs/bpf'): KernelState {
  return new Set([
    ...entries('/run/netns').map((name) => `network namespace ${name}`),
    ...entries('/sys/class/net').map((name) => `interface ${name}`),
    ...pins(bpffs).map((path) => `pin ${path}`),
    ...(['prog', 'map', 'link'] as const).flatMap(bpfObjects),
    ...markedProcesses(mark),
  ])
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

/** Not empty folders: iproute2 makes some of its own, and they keep nothing alive. */
function pins(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
      const path = join(directory, entry.name)
      return entry.isDirectory() ? pins(path) : [path]
    })
  } catch {
    return []
  }
}

interface BpfToolObject {
  readonly id: number
  readonly type: string
  readonly name?: string
  readonly pids?: readonly { readonly pid: number; readonly comm: string }[]
}

/** Programs, maps or links, but for those that a process outside of the run holds, and systemd's own (`sd_…`). */
function bpfObjects(kind: 'prog' | 'map' | 'link'): string[] {
  const output = execFileSync('bpftool', ['-j', kind, 'show'], { encoding: 'utf8', maxBuffer: 64 << 20 })
  return (JSON.parse(output || '[]') as BpfToolObject[])
    .filter(({ name, pids = [] }) => pids.length === 0 && !name?.startsWith('sd_'))
    .map(({ id, type, name }) => `BPF ${kind} ${id} (${type}${name ? ` ${name}` : ''})`)
}

function markedProcesses(mark: string): string[] {
  return entries('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const marked = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`${RUN_MARK}=${mark}`)
        return marked ? [`process ${pid} (${readFileSync(`/proc/${pid}/comm`, 'utf8').trim()})`] : []
      } catch {
        return []
      }
    })
}

/**
 * What is there now and was not before. The kernel frees some things a little later (RCU), so what is new is looked at again
 * for up to `patienceMs`.
 */
export async function leaksSince(before: KernelState, now: () => KernelState, patienceMs = 5_000): Promise<string[]> {
  const end = performance.now() + patienceMs
  for (;;) {
    const leaks = [...now()].filter((thing) => !before.has(thing))
    if (leaks.length === 0 || performance.now() > end) return leaks.sort()
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}
