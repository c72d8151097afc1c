import { randomBytes } from 'node:crypto'
import { type BpfMap, Program } from '../../bpf/index.ts'
import { SeawallError } from '../../entry/errors.ts'
import { Handles } from '../../entry/handles.ts'
import { createMemory } from '../../entry/memory.ts'
import type { MalformedPolicy, Rule } from '../../rules/ast.ts'
import { compile } from '../../rules/compile/index.ts'
import { FIRST_RULE_SLOT } from '../../rules/counters.ts'
import { formatRuleBody } from '../../rules/print.ts'
import type { SetGeometry } from '../../rules/sets/index.ts'
import { calibrateClock } from '../clock.ts'
import type { Desired } from '../desired.ts'
import { createNeeded } from '../maps.ts'
import { openSets } from '../sets.ts'
import { readSocketCounters, type SocketCounters, type SocketRule } from './socket-counters.ts'

/** A rule set in the kernel, for any number of sockets. */
export class SocketRules {
  readonly program: Program
  readonly rules: readonly SocketRule[]
  readonly malformed: MalformedPolicy
  readonly counterMap: BpfMap
  readonly #handles: Handles

  /** @throws CompileError, SetFileError, VerifierError; SeawallError SEAWALL_INPUT for rules that sample */
  static async load(desired: Pick<Desired, 'rules' | 'sets' | 'malformed'>): Promise<SocketRules> {
    refuseSamples(desired.rules)
    const handles = new Handles()
    try {
      const maps = new Map<string, BpfMap>()
      const program = handles.keep(await loadProgram(desired, maps, handles))
      return new SocketRules(desired, program, maps.get('counters')!, handles)
    } catch (error) {
      handles.close()
      throw error
    }
  }

  private constructor(
    { rules, malformed }: Pick<Desired, 'rules' | 'malformed'>,
    program: Program,
    counters: BpfMap,
    handles: Handles,
  ) {
    this.program = program
    this.counterMap = counters
    this.malformed = malformed
    this.rules = rules.map((rule, index) => ({
      id: rule.id,
      kind: rule.action.kind,
      text: formatRuleBody(rule),
      slot: FIRST_RULE_SLOT + index,
    }))
    this.#handles = handles
  }

  counters(): SocketCounters {
    return readSocketCounters(this.counterMap, this.rules, this.malformed)
  }

  /** Sockets keep the program, and the program its maps. */
  close(): void {
    this.#handles.close()
  }
}

function refuseSamples(rules: readonly Rule[]): void {
  const sampling = rules.find(({ action }) => action.kind === 'sample')
  if (sampling === undefined) return
  throw new SeawallError(
    'SEAWALL_INPUT',
    `Cannot put rule "${sampling.id}" in front of a socket: it samples, wanted drop, pass, limit or count [sample on the interface]`,
  )
}

async function loadProgram(
  { rules, sets, malformed }: Pick<Desired, 'rules' | 'sets' | 'malformed'>,
  maps: Map<string, BpfMap>,
  handles: Handles,
): Promise<Program> {
  const geometries = new Map<string, SetGeometry>()
  for (const { name, lay } of await openSets(sets)) {
    const { built } = await lay()
    const map = handles.keep(createMemory(`set:${name}`, built.geometry.bytes))
    built.write(map.mmap())
    geometries.set(name, built.geometry)
    maps.set(`set:${name}`, map)
  }
  const slots = new Map(rules.map(({ id }, index) => [id, FIRST_RULE_SLOT + index]))
  const compiled = compile(
    { rules, malformed },
    {
      attach: 'socket',
      sets: geometries,
      counterSlot: (id) => slots.get(id)!,
      clock: await calibrateClock(),
      secret: randomBytes(8).readBigUInt64LE(),
    },
  )
  for (const need of compiled.maps) if (!maps.has(need.symbol)) maps.set(need.symbol, handles.keep(createNeeded(need)))
  maps.get('tables')?.mmap().set(compiled.tables)
  const instructions = compiled.assemble((symbol) => maps.get(symbol)!.fd)
  return Program.load({ type: compiled.type, name: 'socket_rules', license: 'Dual BSD/GPL', instructions })
}
