/** Random p0f signatures and patterns of DNS names, most of them around what a packet has. */

import { formatSignature } from '../../src/rules/signatures/format-signature.ts'
import { signatureOf } from '../../src/rules/signatures/match-signature.ts'
import { patternOf } from '../../src/rules/signatures/name-pattern.ts'
import { parseSignature } from '../../src/rules/signatures/parse-signature.ts'
import { quirks, type SynSignature, type WindowSize } from '../../src/rules/signatures/signature.ts'
import type { Syn } from '../../src/rules/signatures/syn.ts'
import { pool } from './pool.ts'
import type { Random } from './random.ts'

/** The signature of a SYN, or one nobody has, with some parts widened and at times one changed. */
export function randomSignature(random: Random, syn: Syn | undefined): SynSignature {
  const own = syn ? signatureOf(syn) : parseSignature(random.pick(pool.signatures))
  const wide = widen(random, own, syn)
  return random.chance(0.3) ? change(random, wide) : wide
}

function widen(random: Random, own: SynSignature, syn: Syn | undefined): SynSignature {
  const anyOr = <T>(value: T): T | 'any' => (random.chance(0.5) ? 'any' : value)
  return {
    ...own,
    version: anyOr(own.version),
    mss: anyOr(own.mss),
    scale: anyOr(own.scale),
    payload: anyOr(own.payload),
    ttl: syn && random.chance(0.5) ? Math.min(255, Math.max(1, syn.ttl + random.pick([0, 1, 35, 36, -1]))) : own.ttl,
    anyDistance: random.chance(0.4),
    window: random.weighted<WindowSize>(
      [35, own.window],
      [25, syn ? someMultiple(random, syn) : own.window],
      [20, 'any'],
      [15, { kind: 'multiple', of: random.pick([2, 3, 256, 1024, 65535]) }],
      [8, { kind: 'mss', times: random.pick([1, 2, 4, 10, 44]) }],
      [7, { kind: 'mtu', times: random.pick([1, 2, 4, 10]) }],
    ),
  }
}

/** The window as a multiple of something that divides it, which need not be what counts. */
function someMultiple(random: Random, { window, mss, headers }: Syn): WindowSize {
  const sizes = [mss, mss - 12, 1460, 1448, 1440, 1428, mss + 40, mss + 60, mss + headers, 1500]
  const dividing = sizes.filter((size) => size > 0 && window >= size && window % size === 0 && window / size <= 1000)
  if (dividing.length === 0) return 'any'
  return { kind: random.pick(['mss', 'mtu']), times: window / random.pick(dividing) }
}

/** Another quirk, option or length; the signature itself if that is none. */
function change(random: Random, signature: SynSignature): SynSignature {
  const layout = [...signature.layout]
  const other = random.weighted<Partial<SynSignature>>(
    [30, { quirks: signature.quirks.filter((_, i) => i !== 0) }],
    [30, { quirks: quirks.filter((quirk) => signature.quirks.includes(quirk) || random.chance(0.1)) }],
    [15, { layout: layout.slice(0, -1), eolPadding: 0 }],
    [10, { layout: [...layout, random.pick([1, 2, 3, 4, 5, 8, 77])] }],
    [10, { ipOptions: random.pick([0, 4, 20, 40, 3]) }],
    [5, { eolPadding: layout.at(-1) === 0 ? random.int(0, 12) : 0 }],
  )
  try {
    return parseSignature(formatSignature({ ...signature, ...other }))
  } catch {
    return signature
  }
}

/** A pattern that the name is of, unless it is of none. */
export function randomPattern(random: Random, name: string): string {
  const labels = name.split('.').map((label) => (random.chance(0.15) ? '?' : label))
  const tail = labels.slice(random.chance(0.6) ? random.int(0, labels.length) : 0)
  const pattern = random.chance(0.6) || tail.length === 0 ? ['*', ...tail] : tail
  try {
    return patternOf(pattern.map((text) => ({ text })))
  } catch {
    return '*.example.com'
  }
}
