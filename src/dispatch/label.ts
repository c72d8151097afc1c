import { SeawallError } from '../entry/errors.ts'

/** Longest label, bytes of UTF-8. */
const LONGEST = 255

/** Whether a text can be a label: what has sockets, and is named by bindings. */
export const isLabel = (text: string): boolean =>
  text !== '' && Buffer.byteLength(text) <= LONGEST && !/[\s\p{Cc}]/u.test(text)

export const LABEL_WANTED = `a label of 1 to ${LONGEST} bytes without spaces`

/** @throws SeawallError SEAWALL_INPUT */
export function checkLabel(text: string): string {
  if (isLabel(text)) return text
  const bytes = Buffer.byteLength(text)
  const found = bytes > LONGEST ? `it has ${bytes} bytes` : bytes === 0 ? 'it is empty' : 'it has spaces in it'
  throw new SeawallError(
    'SEAWALL_INPUT',
    `Cannot use label ${JSON.stringify(text.slice(0, 40))}: ${found}, wanted ${LABEL_WANTED}`,
  )
}
