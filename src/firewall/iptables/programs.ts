import { existsSync, mkdirSync, readdirSync, unlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { BpfMap } from '../../bpf/index.ts'
import { SeawallError } from '../../entry/errors.ts'
import { Handles } from '../../entry/handles.ts'
import { openMap } from '../../entry/open.ts'
import type { Paths } from '../../entry/paths.ts'
import { pinName, removePins, writing } from '../../entry/pins.ts'
import { BPFFS, isBpffs, mountBpffs } from '../../linux/bpffs.ts'
import type { MapNeed } from '../../rules/compile/index.ts'
import { FIRST_RULE_SLOT } from '../../rules/counters.ts'
import { createNeeded } from '../maps.ts'
import { loadMatchProgram, type MatchProgram } from './match-program.ts'

/**
 * Where the programs of iptables rules are pinned: apart from the state of XDP, which comes and goes without them, and for each network
 * namespace, as each has rules of its own.
 */
export function programsFolder({ bpf, netns }: Pick<Paths, 'bpf' | 'netns'>): string {
  return netns === null ? `${bpf}-iptables` : `${bpf}-iptables-${pinName(netns)}`
}

/** Entries of the counters. They are the compiler's; what iptables counts is what is shown. */
const COUNTER_SLOTS = 2 * FIRST_RULE_SLOT

/** What a program's name looks like. */
const programName = /^[0-9a-f]{16}$/

/**
 * The pinned programs of a folder. Each is named after what it matches, so that one that is there is right. All have the maps that
 * take memory for each CPU together, and these are pinned beside them.
 */
export class PinnedPrograms {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  list(): string[] {
    return this.#pins().filter((name) => programName.test(name))
  }

  /**
   * Loads a program and pins it.
   *
   * @throws VerifierError, SeawallError SEAWALL_BPFFS
   */
  async add(program: MatchProgram): Promise<void> {
    this.#prepare()
    const handles = new Handles()
    try {
      const loaded = handles.keep(await loadMatchProgram(program, this.#shared(program, handles)))
      writing(`pin program ${program.name}`, () => loaded.pin(join(this.folder, program.name)))
    } finally {
      handles.close()
    }
  }

  remove(name: string): void {
    writing(`remove program ${name}`, () => unlinkSync(join(this.folder, name)))
  }

  /** Removes the folder if no program is in it. */
  tidy(): void {
    if (this.list().length === 0) writing('remove the folder', () => removePins(this.folder))
  }

  #pins(): string[] {
    return existsSync(this.folder) ? readdirSync(this.folder).sort() : []
  }

  #shared({ compiled }: MatchProgram, handles: Handles): Map<string, BpfMap> {
    const shared = compiled.maps.filter(({ purpose }) => purpose === 'scratch' || purpose === 'counters')
    return new Map(shared.map((need) => [need.symbol, this.#sharedMap(need, handles)]))
  }

  #sharedMap(need: MapNeed, handles: Handles): BpfMap {
    // Another version may want another size.
    const path = join(this.folder, `${need.symbol}-${need.bytes}`)
    if (existsSync(path)) return handles.keep(openMap(path))
    const map = handles.keep(need.purpose === 'counters' ? createCounters(need) : createNeeded(need))
    writing(`pin map "${need.symbol}"`, () => map.pin(path))
    return map
  }

  #prepare(): void {
    if (existsSync(this.folder)) return
    const parent = dirname(this.folder)
    if (parent === BPFFS) mountBpffs()
    if (!isBpffs(parent)) {
      throw new SeawallError(
        'SEAWALL_BPFFS',
        `Cannot pin programs in "${this.folder}": "${parent}" is no BPF file system (mount -t bpf bpf ${parent})`,
      )
    }
    writing(`make the folder "${this.folder}"`, () => mkdirSync(this.folder, { mode: 0o700 }))
  }
}

function createCounters({ symbol, bytes }: MapNeed): BpfMap {
  return BpfMap.create({ kind: 'percpu_array', name: symbol, keySize: 4, valueSize: bytes, maxEntries: COUNTER_SLOTS })
}
