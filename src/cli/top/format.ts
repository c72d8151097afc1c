import { formatCount, formatRate, formatShare, plural } from '../format/numbers.ts'
import { ruleBody } from '../format/rules.ts'
import type { Session } from '../session.ts'
import type { Estimate, Frame, Rate } from './frame.ts'
import { KEYS, type Key } from './keys.ts'

/** Rules of a frame, busiest first. */
const RULES = 15

const right = 'right' as const

/** One frame as text: totals, the busiest rules, malformed packets, estimates. */
export function formatFrame(session: Session, frame: Frame): string {
  const blocks = [totals(session, frame), rules(session, frame)]
  const malformed = Object.entries(frame.malformed)
  if (malformed.length > 0) blocks.push(malformedTable(session, malformed))
  blocks.push(...estimates(session, frame))
  return blocks.join('\n')
}

function bits({ bytes }: Rate): string {
  return `${formatRate(bytes * 8)}bit/s`
}

function totals({ colors }: Session, { received, pass, drop, at }: Frame): string {
  const part = (name: string, rate: Rate) => `${name} ${formatRate(rate.packets)}/s ${bits(rate)}`
  const dropped = colors.red(`${part('dropped', drop)} (${formatShare(drop.packets, received.packets)})`)
  return `${colors.dim(at)}  ${part('received', received)}   ${colors.green(part('passed', pass))}   ${dropped}\n`
}

function rules(session: Session, frame: Frame): string {
  const busiest = [...frame.rules]
    .sort((a, b) => b.rate.packets - a.rate.packets || b.total.packets - a.total.packets)
    .slice(0, RULES)
  if (busiest.length === 0) return 'no rules\n'
  const columns = [
    { title: 'RULE' },
    { title: 'PACKETS/S', align: right },
    { title: 'BIT/S', align: right },
    { title: 'TOTAL', align: right },
    { title: 'TEXT' },
  ]
  const rows = busiest.map((rule) => [
    rule.id,
    formatRate(rule.rate.packets),
    formatRate(rule.rate.bytes * 8),
    formatCount(rule.total.packets),
    ruleBody(rule),
  ])
  return session.table(columns, rows)
}

function malformedTable(session: Session, malformed: [string, Rate][]): string {
  const columns = [{ title: 'MALFORMED' }, { title: 'PACKETS/S', align: right }]
  return session.table(
    columns,
    malformed.map(([reason, rate]) => [reason, formatRate(rate.packets)]),
  )
}

const TITLES: Readonly<Record<Key, string>> = {
  source: 'SOURCE',
  destination: 'DESTINATION',
  port: 'PORT',
  size: 'BYTES',
  ttl: 'TTL',
}

/** One table a key, of what was estimated. */
function estimates(session: Session, frame: Frame): string[] {
  if (frame.samples === 0) {
    const sampling = frame.rules.some((rule) => /\bsample 1\//.test(rule.text))
    return [sampling ? 'no samples\n' : 'no estimates: no rule samples packets (seawall top --sample 1/100 does)\n']
  }
  const tables = KEYS.flatMap((key) => {
    const found = frame.by[key]
    return found === undefined || found.length === 0 ? [] : [estimateTable(session, TITLES[key], found)]
  })
  const note = `${plural(frame.lost, 'sample')} lost: the estimates are too low (sample fewer packets)\n`
  return frame.lost === 0 ? tables : [...tables, session.colors.yellow(note)]
}

function estimateTable(session: Session, title: string, found: readonly Estimate[]): string {
  const columns = [
    { title },
    { title: 'ABOUT PACKETS/S', align: right },
    { title: 'ABOUT BIT/S', align: right },
    { title: 'SAMPLES', align: right },
    { title: 'VERDICT' },
  ]
  const rows = found.map((one) => [
    one.key,
    formatRate(one.packetsPerSecond),
    formatRate(one.bytesPerSecond * 8),
    formatCount(one.samples),
    one.verdict,
  ])
  return session.table(columns, rows)
}
