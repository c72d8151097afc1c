/** p0f signatures of TCP SYNs, and patterns of DNS names. */
export { formatSignature } from './format-signature.ts'
export { matchesSignature, signatureOf } from './match-signature.ts'
export { parsePattern } from './name-pattern.ts'
export { parseSignature } from './parse-signature.ts'
export type { Quirk, SynSignature, WindowSize } from './signature.ts'
export { readSyn, type Syn } from './syn.ts'
