import { formatCount, formatRate, formatShare } from '../format/numbers.ts'
import { ruleBody } from '../format/rules.ts'
import type { Session } from '../session.ts'
import type { Frame, Rate } from './frame.ts'

/** Rules of a frame, busiest first. */
const RULES = 15

const right = 'right' as const

/** One frame as text: totals, the busiest rules, malformed packets, talkers. */
export function formatFrame(session: Session, frame: Frame): string {
  const blocks = [totals(session, frame), rules(session, frame)]
  const malformed = Object.entries(frame.malformed)
  if (malformed.length > 0) blocks.push(malformedTable(session, malformed))
  blocks.push(talkers(session, frame))
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

function talkers(session: Session, frame: Frame): string {
  if (frame.talkers.length === 0) {
    const sampling = frame.rules.some((rule) => /\bsample 1\//.test(rule.text))
    return sampling ? 'no samples\n' : 'no talkers: no rule samples packets (for example: sample 1/1000 if ip)\n'
  }
  const columns = [
    { title: 'TALKER' },
    { title: 'ABOUT PACKETS/S', align: right },
    { title: 'SAMPLES', align: right },
    { title: 'VERDICT' },
  ]
  const rows = frame.talkers.map((one) => [
    one.address,
    formatRate(one.packetsPerSecond),
    formatCount(one.samples),
    one.verdict,
  ])
  return session.table(columns, rows)
}
