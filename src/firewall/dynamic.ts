import { SeawallError } from '../entry/errors.ts'
import { milliseconds, now } from '../entry/pending.ts'
import type { Rule } from '../rules/ast.ts'
import { RuleError } from '../rules/errors.ts'
import { parseExpr, parseRule } from '../rules/index.ts'
import { withLease } from './lease.ts'
import type { Live } from './live.ts'
import type { Manifest, ManifestRule } from './manifest.ts'
import { stableId } from './rule-id.ts'

export interface DropRequest {
  readonly expr: string
  /** Milliseconds until the rule expires. */
  readonly forMs?: number
  readonly id?: string
}

/** Ten years: more makes no sense for something temporary and would overflow the data path's clock. */
const LONGEST = 10 * 365 * 86_400_000

/**
 * Makes a rule of a request.
 *
 * @throws SeawallError SEAWALL_INPUT, SEAWALL_DUPLICATE_RULE.
 */
export function dynamicRule(request: DropRequest, live: Manifest): Rule {
  const taken = new Set(live.rules.map((rule) => rule.id))
  const rule: Rule = { id: '', action: { kind: 'drop' }, when: readExpr(request.expr) }
  const id = request.id ?? stableId(rule, taken)
  if (taken.has(id)) {
    throw new SeawallError(
      'SEAWALL_DUPLICATE_RULE',
      `Cannot add rule "${id}": there is one of that name (choose another --id)`,
    )
  }
  if (!/^[a-z0-9][a-z0-9._-]{0,62}$/i.test(id)) {
    throw new SeawallError(
      'SEAWALL_INPUT',
      `Cannot name a rule "${id}": wanted letters, digits, ".", "_" and "-", at most 63`,
    )
  }
  return { ...rule, id, ...expiry(request.forMs) }
}

function expiry(forMs: number | undefined): { until?: bigint } {
  if (forMs === undefined) return {}
  if (!(forMs > 0 && forMs <= LONGEST)) {
    throw new SeawallError(
      'SEAWALL_INPUT',
      `Cannot expire a rule after ${forMs} ms: wanted more than 0 and at most ten years`,
    )
  }
  return { until: now() + milliseconds(forMs) }
}

/** @throws SeawallError SEAWALL_INPUT */
export function readExpr(text: string): Rule['when'] {
  try {
    return parseExpr(text)
  } catch (cause) {
    if (!(cause instanceof RuleError)) throw cause
    throw new SeawallError('SEAWALL_INPUT', cause.message, { cause })
  }
}

/** Rules that were added at run time and have not expired, as they are in force. */
export function dynamicRules(live: Live | undefined): Rule[] {
  if (live === undefined) return []
  const over = new Set(rulesOver(live))
  return live.manifest.rules.filter((rule) => rule.dynamic && !over.has(rule)).map(toRule)
}

/** Rules that match nothing any more, as their time is over: for a capture, as its reader died. */
export function rulesOver(live: Live): ManifestRule[] {
  return live.manifest.rules.filter((rule) => (untilOf(live, rule) ?? Number.POSITIVE_INFINITY) <= now())
}

/** When a rule matches no longer, CLOCK_MONOTONIC nanoseconds; undefined if it stays. */
export function untilOf(live: Live, rule: ManifestRule): bigint | undefined {
  if (rule.capture !== undefined) return withLease(live.folder, rule.id, (lease) => lease.until)
  return rule.until === undefined ? undefined : BigInt(rule.until)
}

/** Reads a rule of a manifest back. */
export function toRule(rule: ManifestRule): Rule {
  const { id, text, until, capture } = rule
  return {
    ...parseRule(text),
    id,
    ...(until === undefined ? {} : { until: BigInt(until) }),
    ...(capture === undefined ? {} : { capture }),
  }
}

/**
 * Finds a rule that was added at run time.
 *
 * @throws SeawallError SEAWALL_UNKNOWN_RULE
 */
export function findDynamic(live: Manifest, id: string): ManifestRule {
  const rule = live.rules.find((one) => one.id === id)
  if (rule?.dynamic === true) return rule
  const ids = live.rules.filter((one) => one.dynamic).map((one) => one.id)
  const message =
    rule === undefined
      ? `Cannot undo "${id}": no rule has that id (rules added at run time: ${ids.join(', ') || 'none'})`
      : `Cannot undo "${id}": it is a configured rule (take it out of the configuration and apply)`
  throw new SeawallError('SEAWALL_UNKNOWN_RULE', message)
}
