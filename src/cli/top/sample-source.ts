import type { Control } from '../../agent/index.ts'
import type { CapturedPacket, Sample } from '../../firewall/index.ts'
import type { Session } from '../session.ts'
import type { SampleSource } from './collect.ts'

/** Bytes of a packet that are enough to tell what it is. */
const SNAPLEN = 256

/** Samples that rules in force ask for. */
export function samplesOfRules(control: Control): SampleSource {
  return { shared: true, read: (signal) => control.samples({ signal }) }
}

/** Samples of our own: one of `every` packets, whatever the rules say, as long as somebody looks. */
export function samplesOfOurOwn(session: Session, control: Control, every: number): SampleSource {
  return { shared: false, read: (signal) => capture(session, control, every, signal) }
}

async function* capture(session: Session, control: Control, every: number, signal: AbortSignal) {
  const { Firewall } = await import('../../firewall/index.ts')
  const { id } = await control.capture({ every, snaplen: SNAPLEN })
  try {
    const reader = new Firewall(session.paths).openCapture(id)
    try {
      for await (const batch of reader.batches(signal)) yield* batch.map((packet) => sampleOf(packet, id))
    } finally {
      reader.close()
    }
  } finally {
    // It copies nothing any more: the next change clears it away if this one cannot.
    await control.undo(id).catch(() => undefined)
  }
}

function sampleOf({ lost, ...packet }: CapturedPacket, id: string): Sample {
  return { ...packet, sampledBy: id, ...(lost === 0 ? {} : { skipped: lost }) }
}
