import { type FilterAttachment, type Program, UnsupportedError } from '../bpf/index.ts'
import { command } from './command.ts'
import { LinuxError } from './errors.ts'
import type { Interface } from './interface.ts'
import { inNetns } from './netns.ts'

/** Of the filters that are Seawall's, where the kernel has no links. */
const PRIORITY = 42_186

/**
 * Attaches a `sched_cls` program to what comes in by an interface: by a link, which goes with the process, or before Linux 6.6 as a
 * filter. Closing takes away what was made for it, unless somebody else has come to use it.
 *
 * @throws BpfError BPF_REFUSED
 */
export function attachToIngress(program: Program, place: Interface): Disposable {
  const { netns, ifindex } = place
  try {
    return inNetns(netns, () => program.attachTcx({ ifindex, direction: 'ingress' }))
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error
    return attachFilter(program, place)
  }
}

/** As {@link attachToIngress} before Linux 6.6. */
export function attachFilter(program: Program, { netns, ifindex, name }: Interface): Disposable {
  const filter = inNetns(netns, () => program.attachFilter({ ifindex, direction: 'ingress', priority: PRIORITY }))
  return { [Symbol.dispose]: () => inNetns(netns, () => remove(filter, name)) }
}

function remove(filter: FilterAttachment, name: string): void {
  filter.close()
  if (filter.madeHook && !hasFilters(name)) filter.removeHook()
}

/** Whether there are filters at an interface of the calling thread's namespace; true if that cannot be found out. */
function hasFilters(name: string): boolean {
  try {
    return ['ingress', 'egress'].some((direction) => {
      const shown = command('tc', ['-json', 'filter', 'show', 'dev', name, direction])
      return (JSON.parse(shown) as unknown[]).length > 0
    })
  } catch (error) {
    if (error instanceof LinuxError) return true
    throw error
  }
}
