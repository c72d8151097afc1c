import type { IncomingMessage } from 'node:http'
import { digestOf, type Envelope, RefusedError } from './sign.ts'

/**
 * Reads a body whose envelope was judged: exactly as long as that says, and the bytes that it was made for.
 *
 * @throws RefusedError oversized or altered; whatever the connection fails with.
 */
export async function readBody(message: IncomingMessage, envelope: Envelope, limit: number): Promise<Buffer> {
  const { length, digest } = envelope
  if (length > limit) throw new RefusedError('oversized', `the body has ${length} bytes, wanted at most ${limit}`)
  const chunks: Buffer[] = []
  let received = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    received += chunk.length
    if (received > length) break
  }
  const body = Buffer.concat(chunks)
  if (received === length && digestOf(body) === digest) return body
  throw new RefusedError('altered', `the body is not the one that was signed (${received} of ${length} bytes)`)
}
