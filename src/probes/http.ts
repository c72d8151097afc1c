import { request } from 'node:http'
import { formatAddress } from '../net/address.ts'
import { type Approach, dial } from './approach.ts'
import { ProbeFailure } from './failure.ts'
import type { HttpProbe } from './probe.ts'

/** `GET` is answered with a status. The contents are not waited for. */
export async function probeHttp(approach: Approach, probe: HttpProbe, signal: AbortSignal): Promise<void> {
  const socket = await dial(approach, probe.port, signal)
  try {
    const headers = { host: probe.host ?? hostOf(approach, probe.port), connection: 'close', 'user-agent': 'seawall' }
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const asked = request({ createConnection: () => socket, path: probe.path, headers })
      asked.once('response', ({ statusCode }) => resolve(statusCode))
      asked.on('error', reject)
      asked.end()
    })
    if (status !== probe.status) throw new ProbeFailure(`status ${status}, wanted ${probe.status}`)
  } finally {
    socket.destroy()
  }
}

function hostOf({ address }: Approach, port: number): string {
  const text = formatAddress(address)
  const host = address.family === 6 ? `[${text}]` : text
  return port === 80 ? host : `${host}:${port}`
}
