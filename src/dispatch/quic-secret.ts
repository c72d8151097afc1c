import { createHmac, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readDocument, writeDocument } from '../entry/document.ts'

/** Pinned with the state, which only its owner may read. */
const SECRET = 'quic_secret'

/** The key of a label's connection ids, 16 bytes: who has it learns nothing of another's. A secret is made when there is none. */
export function quicKey(state: string, label: string): Buffer {
  if (!existsSync(join(state, SECRET))) writeDocument(state, SECRET, randomBytes(32).toString('hex'))
  const secret = Buffer.from(String(readDocument(state, SECRET)).trim(), 'hex')
  return createHmac('sha256', secret).update(`connection ids of ${label}`).digest().subarray(0, 16)
}
