import { createSocket } from 'node:dgram'
import { type Approach, lookupOf, NAME } from './approach.ts'
import { failureText, ProbeFailure } from './failure.ts'

/**
 * Sends a datagram, and waits for the first answer that is one. That nobody listens is told only when the time is over: anybody can write
 * the ICMP error that says so, and guess its port in the meantime.
 *
 * @param read throws if the answer is wrong; false if it is none to this.
 */
export async function exchange(
  approach: Approach,
  { port, message }: { readonly port: number; readonly message: Uint8Array },
  read: (answer: Buffer) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const { family } = approach.address
  const socket = createSocket({ type: family === 4 ? 'udp4' : 'udp6', lookup: lookupOf(approach.address) })
  const closed = () => socket.close()
  signal.addEventListener('abort', closed, { once: true })
  try {
    await new Promise<void>((resolve, reject) => {
      socket.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ECONNREFUSED') return reject(error)
        signal.addEventListener('abort', () => reject(new ProbeFailure(failureText(error))), { once: true })
      })
      socket.on('message', (answer) => {
        try {
          if (read(answer)) resolve()
        } catch (error) {
          reject(error)
        }
      })
      socket.once('connect', () => socket.send(message))
      approach.open('udp', port, (local) => {
        socket.bind({ port: local.port ?? 0, ...(local.address === undefined ? {} : { address: local.address }) })
        socket.connect(port, NAME)
      })
    })
  } finally {
    signal.removeEventListener('abort', closed)
    if (!signal.aborted) socket.close()
  }
}
