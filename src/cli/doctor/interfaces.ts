import { release } from 'node:os'
import { command } from '../../linux/command.ts'
import { ip } from '../../linux/interface.ts'
import type { Netns } from '../../linux/netns.ts'
import { type Finding, note, ok, problem, warning } from './finding.ts'
import { atLeast } from './system.ts'
import { LONGEST_MTU, nativeXdpSince } from './xdp-drivers.ts'

/** What is known of an interface before anything is attached to it. */
export interface InterfaceFacts {
  readonly name: string
  readonly up: boolean
  readonly mtu: number
  /** Empty if nobody knows. */
  readonly driver: string
  readonly largeReceiveOffload: boolean
  /** Name of the XDP program that is attached now. */
  readonly program?: string
  /** Whether it is Seawall's; undefined if that cannot be known. */
  readonly ours: boolean | undefined
}

export interface InterfaceQuestion {
  readonly netns: Netns
  /** Interfaces of the configuration; those that are up, but for loopback, if empty. */
  readonly names: readonly string[]
  /** Interfaces that have Seawall's program; undefined if that cannot be known. */
  readonly attached: readonly string[] | undefined
}

/** Looks at interfaces. */
export function interfaceFindings(question: InterfaceQuestion): Finding[] {
  try {
    return lookAt(question, listLinks(question.netns))
  } catch (error) {
    const found = `cannot be looked at: ${error instanceof Error ? error.message : error}`
    return [warning('interfaces', found, 'run as root, and see that the network namespace exists')]
  }
}

function lookAt({ netns, names, attached }: InterfaceQuestion, links: readonly LinkJson[]): Finding[] {
  const up = links.filter((link) => link.ifname !== 'lo' && link.flags.includes('UP')).map((link) => link.ifname)
  const wanted = names.length > 0 ? names : up
  if (wanted.length === 0) {
    const remedy = 'bring one up, or run doctor for the network namespace of the interfaces (--netns)'
    return [warning('interfaces', 'none is up but loopback', remedy)]
  }
  return wanted.flatMap((name) => {
    const link = links.find((one) => one.ifname === name)
    if (link !== undefined) return describe(factsOf(netns, link, attached), release())
    const known = links.map((one) => one.ifname).join(', ')
    return [problem(`interface.${name}`, `there is no such interface, only ${known}`, 'correct the configuration')]
  })
}

/** Judges one interface. */
export function describe(facts: InterfaceFacts, kernel: string): Finding[] {
  const check = `interface.${facts.name}`
  return [
    facts.up ? ok(check, 'up') : warning(check, 'down', `ip link set ${facts.name} up`),
    driver(check, facts, kernel),
    mtu(check, facts),
    ...offloads(check, facts),
    ...foreign(check, facts),
  ]
}

function driver(check: string, { driver: name }: InterfaceFacts, kernel: string): Finding {
  const since = nativeXdpSince[name]
  if (since === undefined) {
    const who = name === '' ? 'an interface without a driver' : `driver ${name}`
    const slow = `${who} is not known to take native XDP: generic XDP will do, at a fifth of the speed or less`
    return warning(
      `${check}.driver`,
      slow,
      'nothing if traffic is light; else use a network card whose driver has native XDP',
    )
  }
  const [major = 0, minor = 0] = since.split('.').map(Number)
  if (atLeast(kernel, major, minor) === true) return ok(`${check}.driver`, `${name}, native XDP since Linux ${since}`)
  return warning(
    `${check}.driver`,
    `${name} takes native XDP from Linux ${since} on, this is ${kernel}`,
    'install a newer kernel',
  )
}

function mtu(check: string, { mtu: bytes, name }: InterfaceFacts): Finding {
  if (bytes <= LONGEST_MTU) return ok(`${check}.mtu`, `${bytes} bytes`)
  return warning(
    `${check}.mtu`,
    `${bytes} bytes, wanted at most ${LONGEST_MTU} for native XDP: most drivers refuse longer frames, and generic XDP is used`,
    `ip link set ${name} mtu 1500`,
  )
}

function offloads(check: string, { largeReceiveOffload, name }: InterfaceFacts): Finding[] {
  if (!largeReceiveOffload) return []
  const found = 'large receive offload is on: most drivers refuse native XDP with it'
  return [warning(`${check}.lro`, found, `ethtool -K ${name} lro off`)]
}

function foreign(check: string, { program, name, ours }: InterfaceFacts): Finding[] {
  if (ours === true) return [ok(`${check}.program`, 'Seawall is attached')]
  if (program === undefined) return []
  if (ours === undefined) return [note(`${check}.program`, `an XDP program is attached: ${program}`)]
  const found = `an XDP program of somebody else is attached: ${program}`
  return [problem(`${check}.program`, found, `detach it (ip link set ${name} xdp off)`)]
}

interface LinkJson {
  readonly ifname: string
  readonly flags: readonly string[]
  readonly mtu: number
  readonly linkinfo?: { readonly info_kind?: string }
  readonly xdp?: { readonly prog?: { readonly id: number; readonly name?: string } }
}

function listLinks(netns: Netns): LinkJson[] {
  return JSON.parse(ip(netns, ['-json', '-details', 'link', 'show'])) as LinkJson[]
}

function factsOf(netns: Netns, link: LinkJson, attached: InterfaceQuestion['attached']): InterfaceFacts {
  const { prog } = link.xdp ?? {}
  return {
    name: link.ifname,
    up: link.flags.includes('UP'),
    mtu: link.mtu,
    driver: driverName(ethtool(netns, ['-i', link.ifname])) ?? link.linkinfo?.info_kind ?? '',
    largeReceiveOffload: /^large-receive-offload: on/m.test(ethtool(netns, ['-k', link.ifname])),
    ours: attached?.includes(link.ifname),
    ...(prog === undefined ? {} : { program: prog.name ?? `id ${prog.id}` }),
  }
}

function driverName(text: string): string | undefined {
  return /^driver: (\S+)/m.exec(text)?.[1]
}

/** Output of ethtool, empty where an interface has nothing to say. */
function ethtool(netns: Netns, args: readonly string[]): string {
  try {
    return netns === null ? command('ethtool', args) : command('ip', ['netns', 'exec', netns, 'ethtool', ...args])
  } catch {
    return ''
  }
}
