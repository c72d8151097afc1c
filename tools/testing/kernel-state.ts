import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Everything that tests make in the kernel or as temporary files, and that outlives a careless one; each thing under a name that is its own. */
export type KernelState = ReadonlySet<string>

/** The environment variable by which a process is known to descend from a run of the tests. */
export const RUN_MARK = 'SEAWALL_TEST_RUN'

/** What exists now: named network namespaces, interfaces, pins, BPF objects, temporary files, and processes of the run called `mark`. */
export function kernelState(mark: string, bpffs = '/sys/fs/bpf'): KernelState {
  return new Set([
    ...entries('/run/netns').map((name) => `network namespace ${name}`),
    ...entries('/sys/class/net').map((name) => `interface ${name}`),
    ...pins(bpffs).map((path) => `pin ${path}`),
    ...bpfObjects(mark),
    ...temporaryFiles(),
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

/** Those of Seawall, and of servers that choose their place themselves. */
export function temporaryFiles(): string[] {
  return entries(tmpdir())
    .filter((name) => /^(seawall|nsd)-/.test(name))
    .map((name) => `temporary file ${name}`)
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

export interface BpfObject {
  readonly id: number
  readonly type: string
  readonly name?: string
  /** Of a program: its maps. */
  readonly map_ids?: readonly number[]
  /** Of a link: its program. */
  readonly prog_id?: number
}

/** Programs, maps and links, but for what processes outside of the run hold, and systemd's own (`sd_…`). */
function bpfObjects(mark: string): string[] {
  const held = heldByOthers(mark)
  const list = (kind: string): BpfObject[] => {
    return listBpfObjects(kind).filter(({ name }) => !name?.startsWith('sd_'))
  }
  // A link keeps its program, and a program its maps, so what is held spreads in this order.
  return ['link', 'prog', 'map'].flatMap((kind) =>
    list(kind).flatMap(({ id, type, name, prog_id, map_ids = [] }) => {
      if (!held.has(`${kind} ${id}`)) return [`BPF ${kind} ${id} (${type}${name ? ` ${name}` : ''})`]
      if (prog_id !== undefined) held.add(`prog ${prog_id}`)
      for (const map of map_ids) held.add(`map ${map}`)
      return []
    }),
  )
}

/** All programs, maps or links (`prog`, `map`, `link`). bpftool fails when an object goes away while it lists them, so it gets a few tries. */
export function listBpfObjects(kind: string, tries = 5): BpfObject[] {
  try {
    const output = execFileSync('bpftool', ['-j', kind, 'show'], {
      encoding: 'utf8',
      maxBuffer: 64 << 20,
      stdio: 'pipe',
    })
    return JSON.parse(output || '[]') as BpfObject[]
  } catch (error) {
    if (tries <= 1) throw error
    return listBpfObjects(kind, tries - 1)
  }
}

/** BPF objects that processes outside of the run have open, as `map 12`. */
function heldByOthers(mark: string): Set<string> {
  const held = new Set<string>()
  for (const pid of processIds()) {
    if (Number(pid) === process.pid || isMarked(pid, mark)) continue
    for (const fd of entries(`/proc/${pid}/fdinfo`)) {
      const info = readText(`/proc/${pid}/fdinfo/${fd}`)
      for (const [, kind, id] of info.matchAll(/^(link|prog|map)_id:\s*(\d+)$/gm)) held.add(`${kind} ${id}`)
    }
  }
  return held
}

function processIds(): string[] {
  return entries('/proc').filter((name) => /^\d+$/.test(name))
}

/** Empty where there is nothing to read, any more or for us. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

function isMarked(pid: string, mark: string): boolean {
  return readText(`/proc/${pid}/environ`).split('\0').includes(`${RUN_MARK}=${mark}`)
}

function markedProcesses(mark: string): string[] {
  return processIds()
    .filter((pid) => Number(pid) !== process.pid && isMarked(pid, mark))
    .map((pid) => `process ${pid} (${readText(`/proc/${pid}/comm`).trim()})`)
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
