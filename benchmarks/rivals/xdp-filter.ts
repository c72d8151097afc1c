import { command } from '../../src/linux/command.ts'
import { ip } from '../../src/linux/interface.ts'
import { createNetns, inNetns, removeNetns } from '../../src/linux/netns.ts'

/** A peer's XDP program, loaded by the peer itself. */
export interface XdpRival {
  /** Its id: to measure it by test run, or to tail-call it. */
  readonly programId: number
  close(): void
}

export interface XdpFilterOptions {
  /** IPv4 source addresses to drop; everything else passes. */
  readonly sources: readonly string[]
  /** What to load: all that it can do (its default), or only what IPv4 addresses need. */
  readonly features?: 'all' | 'ipv4'
}

const DEVICE = 'rival0'

/**
 * Debian's xdp-filter on a veth of a namespace of its own. Its pins are in a BPF file system that only its commands see, so
 * that nothing remains of it and an xdp-filter that is in use on this machine is left alone.
 */
export function startXdpFilter(options: XdpFilterOptions): XdpRival {
  const netns = `seawall-rival-${process.pid}`
  createNetns(netns)
  try {
    ip(netns, ['link', 'add', DEVICE, 'type', 'veth', 'peer', 'name', 'rival1'])
    ip(netns, ['link', 'set', DEVICE, 'up'])
    inNetns(netns, () => command('unshare', ['--mount', 'sh', '-euc', script(options)]))
    const [link] = JSON.parse(ip(netns, ['-json', 'link', 'show', DEVICE])) as [{ xdp?: { prog: { id: number } } }]
    if (!link.xdp) throw new Error(`xdp-filter left no program on ${DEVICE}`)
    return { programId: link.xdp.prog.id, close: () => removeNetns(netns) }
  } catch (error) {
    removeNetns(netns)
    throw error
  }
}

/** xdp-filter takes a process of 15 ms for each address; its command adds the first, and its map gets the others at once. */
function script({ sources, features = 'all' }: XdpFilterOptions): string {
  const [first, ...others] = sources
  const map = '/sys/fs/bpf/xdp-filter/filter_ipv4'
  const updates = others.map((source) => `map update pinned ${map} key ${bytes(source)} value 1 0 0 0 0 0 0 0`)
  return [
    'mount -t bpf bpf /sys/fs/bpf',
    `xdp-filter load ${DEVICE} -m native -f ${features}`,
    ...(first === undefined ? [] : [`xdp-filter ip -m src ${first}`]),
    ...(updates.length === 0 ? [] : [`bpftool batch file - >/dev/null <<'END'\n${updates.join('\n')}\nEND`]),
  ].join('\n')
}

function bytes(address: string): string {
  return address.split('.').join(' ')
}
