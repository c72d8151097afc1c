import { promisify } from 'node:util'
import { constants, gunzip, gzip } from 'node:zlib'
import { encodeDocument, type TableDocument } from './document.ts'
import { FleetError } from './errors.ts'

/** Longest body of a question, and of an answer, which may be a table: bytes as sent. */
export const MAX_ASK = 8 << 20
export const MAX_ANSWER = 96 << 20

/** Longest text that a body may unpack to, for each byte of its limit. Tables are base64, which packs by a quarter at least. */
const MAX_GROWTH = 4

const zip = promisify(gzip)
const unzip = promisify(gunzip)

/** A text as it is sent: gzip, of which several behind each other are one text again. */
export async function pack(text: string): Promise<Buffer> {
  return await zip(text, { level: constants.Z_BEST_SPEED })
}

/** @throws FleetError FLEET_MESSAGE for what is not gzip, or unpacks to more than 4 × `limit` bytes. */
export async function unpack(body: Uint8Array, limit: number): Promise<string> {
  if (body.length === 0) return ''
  try {
    return (await unzip(body, { maxOutputLength: MAX_GROWTH * limit })).toString()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new FleetError('FLEET_MESSAGE', `Cannot unpack ${body.length} bytes: found ${why}, wanted gzip`, { cause })
  }
}

const packed = new WeakMap<TableDocument, Promise<Buffer>>()

/** A table as it is sent. It is packed once, however many ask for it. */
export function packDocument(document: TableDocument): Promise<Buffer> {
  const known = packed.get(document)
  if (known !== undefined) return known
  const body = pack(encodeDocument(document))
  packed.set(document, body)
  return body
}
