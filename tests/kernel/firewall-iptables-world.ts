import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Link, Program } from '../../src/bpf/index.ts'
import type { Desired } from '../../src/firewall/index.ts'
import { Iptables, type IptablesInput, type IptablesOptions, type Variant } from '../../src/firewall/iptables/index.ts'
import { programsFolder } from '../../src/firewall/iptables/programs.ts'
import { mountBpffs } from '../../src/linux/bpffs.ts'
import { command } from '../../src/linux/command.ts'
import { findInterface, type InterfaceState, ipBatch } from '../../src/linux/interface.ts'
import { createNetns, inNetns, removeNetns } from '../../src/linux/netns.ts'
import { parsePrefix } from '../../src/net/prefix.ts'
import { parseRules } from '../../src/rules/rule-text.ts'
import { PrefixSet } from '../../src/rules/sets/index.ts'

let made = 0

/** Loopback has this index in every namespace. */
const LOOPBACK = 1
const XDP_PASS = 2

/** An edge with iptables of its own, and an interface through which packets come in. */
export class IptablesWorld {
  readonly netns: string
  readonly folder: string
  readonly paths: { bpf: string; run: string; netns: string }
  readonly interface: InterfaceState
  /** Where programs are pinned. */
  readonly programs: string
  #injector: { program: Program; link: Link } | undefined

  constructor() {
    mountBpffs()
    const own = `seawall-ipt-${process.pid}-${++made}`
    this.netns = own
    this.folder = mkdtempSync(join(tmpdir(), 'seawall-ipt-'))
    this.paths = { bpf: `/sys/fs/bpf/${own}`, run: join(this.folder, 'run'), netns: own }
    this.programs = programsFolder(this.paths)
    createNetns(own)
    const quiet = ['all', 'default'].map((which) => `net.ipv6.conf.${which}.addr_gen_mode=1`)
    command('ip', ['netns', 'exec', own, 'sysctl', '-qw', ...quiet, 'net.ipv6.conf.default.accept_dad=0'])
    ipBatch(own, [
      'link add sea0 address 02:00:00:00:00:01 type veth peer name sea1',
      'link set sea0 up',
      'link set sea1 up',
      'addr add 198.51.100.1/24 dev sea0',
      'addr add 2001:db8::2/64 dev sea0 nodad',
    ])
    this.interface = findInterface(own, 'sea0')
  }

  open(variant: Variant, options: IptablesOptions = {}): Iptables {
    return new Iptables(this.paths, { variant, ...options })
  }

  /** Runs a program of the system inside the edge, with the mounts of this process. */
  run(program: string, args: readonly string[], input?: string): string {
    return inNetns(this.netns, () => command(program, args, input === undefined ? {} : { input }))
  }

  /** All rules of a variant with their counters, without dates; the chains' own counters go up with any packet. */
  save(variant: Variant): string {
    const saved = ['iptables', 'ip6tables'].map((name) => this.run(`${name}-${variant}-save`, ['-c']))
    return saved
      .join('')
      .replaceAll(/^#.*\n/gm, '')
      .replaceAll(/^(:\S+ \S+) \[.*\]$/gm, '$1')
  }

  sets(): string[] {
    return this.run('ipset', ['list', '-name']).split('\n').filter(Boolean)
  }

  /** Lets a frame come in by the interface, as its driver would hand it to the network stack. */
  async receive(frame: Uint8Array, repeat = 1): Promise<void> {
    this.#injector ??= await this.#makeInjector()
    const { program } = this.#injector
    const context = new Uint8Array(24)
    const view = new DataView(context.buffer)
    view.setUint32(4, frame.length, true)
    view.setUint32(12, this.interface.ifindex, true)
    inNetns(this.netns, () => program.testRun({ data: frame, context, repeat, liveFrames: true }))
  }

  /** A program that passes all; attached to loopback, as test runs of one that is attached nowhere wait 16 ms each. */
  async #makeInjector(): Promise<{ program: Program; link: Link }> {
    const instructions = Uint8Array.of(0xb7, 0, 0, 0, XDP_PASS, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0)
    const program = await Program.load({ type: 'xdp', name: 'receive', instructions, license: 'Dual BSD/GPL' })
    const link = inNetns(this.netns, () => program.attachXdp({ ifindex: LOOPBACK, mode: 'generic' }))
    return { program, link }
  }

  async remove(): Promise<void> {
    for (const variant of ['nft', 'legacy'] as const) await this.open(variant).undo()
    this.#injector?.link.close()
    this.#injector?.program.close()
    removeNetns(this.netns)
    rmSync(this.folder, { recursive: true })
  }
}

export interface InputParts {
  readonly sets?: Readonly<Record<string, readonly string[]>>
  readonly malformed?: 'drop' | 'pass'
  readonly interfaces?: readonly string[]
}

/** Rules with their sets, as a configuration would give them. */
export function input(rules: string | readonly string[], parts: InputParts = {}): IptablesInput {
  const { sets = {}, malformed = 'drop', interfaces = ['sea0'] } = parts
  const desired: Desired = {
    interfaces: interfaces.map((name) => ({ name, mode: 'auto' as const })),
    malformed,
    rules: parseRules(rules, { sets: Object.keys(sets) }),
    sets: new Map(),
  }
  const contents = Object.entries(sets).map(
    ([name, prefixes]) => [name, new PrefixSet(prefixes.map(parsePrefix))] as const,
  )
  return { desired, sets: new Map(contents) }
}

/** Rejects with an error of a code, whose message has a text. */
export function rejects(work: Promise<unknown>, code: string, message: RegExp): Promise<void> {
  return assert.rejects(work, (error: Error & { code?: string }) => {
    assert.equal(error.code, code, error.message)
    assert.match(error.message, message)
    return true
  })
}
