import type { Approach } from './approach.ts'
import { exchange } from './datagram.ts'
import { ProbeFailure } from './failure.ts'
import type { UdpProbe } from './probe.ts'

/** Characters of an answer that are told. */
const SHOWN = 40

/** A datagram is answered, by one that begins as it should. */
export function probeUdp(approach: Approach, probe: UdpProbe, signal: AbortSignal): Promise<void> {
  const { port, send, expect = '' } = probe
  const read = (answer: Buffer): boolean => {
    const text = answer.toString('latin1')
    if (text.startsWith(expect)) return true
    throw new ProbeFailure(`answer ${show(text)}, wanted one that begins with ${show(expect)}`)
  }
  return exchange(approach, { port, message: Buffer.from(send, 'latin1') }, read, signal)
}

const show = (text: string): string => JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text)
