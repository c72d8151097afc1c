import { randomInt } from 'node:crypto'
import { buildPacket, dns } from '../net/build.ts'
import { encodeName } from '../net/dns-name.ts'
import { readQuestion } from '../net/dns-question.ts'
import type { Approach } from './approach.ts'
import { exchange } from './datagram.ts'
import { ProbeFailure } from './failure.ts'
import type { DnsProbe } from './probe.ts'

/** By number (RFC 1035 4.1.1). */
const RESPONSES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED']

const HEADER_BYTES = 12

/** A question for the address of a name is answered without an error, be it that there is none. */
export function probeDns(approach: Approach, { port, name }: DnsProbe, signal: AbortSignal): Promise<void> {
  const id = randomInt(0x1_0000)
  const message = buildPacket(dns({ id, questions: [{ name }] }))
  return exchange(approach, { port, message }, (answer) => isAnswer(answer, { id, name }), signal)
}

/** Whether a message is the answer to a question; throws if it is a refusal. */
export function isAnswer(message: Buffer, { id, name }: { readonly id: number; readonly name: string }): boolean {
  if (message.length < HEADER_BYTES || message.readUInt16BE(0) !== id || message[2]! < 0x80) return false
  const code = message[3]! & 15
  if (code !== 0) throw new ProbeFailure(`answer ${RESPONSES[code] ?? `with code ${code}`}, wanted NOERROR`)
  const question = readQuestion(message, 0, message.length)
  return question !== null && Buffer.compare(question.wire, encodeName(name)) === 0
}
