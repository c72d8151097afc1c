import type { Control, Status } from '../../agent/index.ts'
import { loadConfig } from '../../config/index.ts'
import { readBinding } from '../../dispatch/binding.ts'
import type { ProbeReport, RuleStatus } from '../../firewall/index.ts'
import { usedSets } from '../../firewall/used-sets.ts'
import { type Address, formatAddress } from '../../net/address.ts'
import type { Dissection } from '../../net/dissect.ts'
import { type EvaluationEnv, parseRule, type Rule, type RuleSet } from '../../rules/index.ts'
import { addressesOf } from '../packets/summary.ts'
import { readSets } from '../read-sets.ts'
import type { Session } from '../session.ts'
import type { DispatchFacts } from './socket.ts'

/** Rules to explain packets with, and the kernel that runs them, if it does. */
export interface RuleSource {
  /** `generation 7` or the path of a configuration. */
  readonly origin: string
  readonly ruleSet: RuleSet
  /** What the rules need to know beside the packets. */
  environment(packets: readonly Dissection[]): Promise<EvaluationEnv>
  /** Undefined where nothing is dispatched. */
  readonly dispatch?: DispatchFacts
  readonly probe?: (packets: readonly Uint8Array[]) => Promise<ProbeReport>
}

/** What is in force; or a configuration if one is named, or if nothing is in force and there is one. */
export async function openRuleSource(session: Session, config: string | undefined): Promise<RuleSource> {
  if (config !== undefined) return configSource(session.configPath(config))
  const control = await session.control()
  const status = await statusOf(session, control)
  if (status?.firewall !== undefined) return liveSource(control, status)
  const path = session.configPath(undefined)
  session.note(
    `${status === undefined ? 'This user may not ask the kernel' : 'Nothing is in force'}: the evaluator answers with ${path}`,
  )
  return configSource(path)
}

/** Undefined if this user may not even look. */
async function statusOf(session: Session, control: Control): Promise<Status | undefined> {
  try {
    return await control.status()
  } catch (error) {
    const { code } = error as { code?: string }
    if (code !== 'SEAWALL_PERMISSION' || session.findConfigPath(undefined) === undefined) throw error
    return undefined
  }
}

async function configSource(path: string): Promise<RuleSource> {
  const { desired, dispatch } = await loadConfig(path)
  const { rules, malformed } = desired
  const sets = await readSets(desired)
  const env: EvaluationEnv = { sets: { has: (name, address) => sets.get(name)?.includes(address) === true } }
  return {
    origin: path,
    ruleSet: { rules, malformed },
    environment: () => Promise.resolve(env),
    ...(dispatch === undefined ? {} : { dispatch: { bindings: dispatch.bindings } }),
  }
}

async function liveSource(control: Control, { firewall, dispatch }: Status): Promise<RuleSource> {
  const { rules, malformed, generation } = firewall!
  const ruleSet = { rules: rules.map(toRule), malformed }
  return {
    origin: `generation ${generation}`,
    ...(dispatch === undefined
      ? {}
      : { dispatch: { bindings: (await control.bindings()).map(readBinding), destinations: dispatch.destinations } }),
    ruleSet,
    environment: (packets) => liveEnvironment(control, ruleSet, packets),
    probe: (packets) => control.probe(packets),
  }
}

/** Milliseconds stand for the clock here: rules that are over have 0 left, and it is 1. */
function toRule(status: RuleStatus): Rule {
  const rule = { ...parseRule(status.text), id: status.id }
  return status.expiresInMs === undefined ? rule : { ...rule, until: BigInt(Math.round(status.expiresInMs)) }
}

/** Asks for all answers at once, as the evaluator cannot wait. */
async function liveEnvironment(
  control: Control,
  { rules }: RuleSet,
  packets: readonly Dissection[],
): Promise<EvaluationEnv> {
  const names = [...new Set(rules.flatMap((rule) => usedSets(rule.when)))]
  const addresses = [...new Set(packets.flatMap(texts))]
  const members = new Set<string>()
  for (const name of names) {
    const answers = addresses.length === 0 ? [] : await control.contains(name, addresses)
    for (const [index, address] of addresses.entries()) if (answers[index] === true) members.add(`${name} ${address}`)
  }
  return { now: 1n, sets: { has: (name, address: Address) => members.has(`${name} ${formatAddress(address)}`) } }
}

function texts(packet: Dissection): string[] {
  const addresses = addressesOf(packet)
  return addresses === undefined ? [] : [formatAddress(addresses.src), formatAddress(addresses.dst)]
}
