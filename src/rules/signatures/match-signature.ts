import { MAX_DISTANCE, quirksFor, type SynSignature } from './signature.ts'
import type { Syn } from './syn.ts'

/** Whether a SYN is as the signature says: a full match of p0f, never a fuzzy one. */
export function matchesSignature(signature: SynSignature, syn: Syn): boolean {
  const { version, ipOptions, mss, scale, payload } = signature
  return (
    isOrAny(version, syn.version) &&
    matchesTtl(signature, syn.ttl) &&
    ipOptions === syn.ipOptions &&
    isOrAny(mss, syn.mss) &&
    matchesWindow(signature, syn) &&
    isOrAny(scale, syn.scale) &&
    signature.layout.join() === syn.layout.join() &&
    signature.eolPadding === syn.eolPadding &&
    quirksFor(signature, syn.version).join() === syn.quirks.join() &&
    isOrAny(payload, syn.payload)
  )
}

const isOrAny = <T>(wanted: T | 'any', found: T): boolean => wanted === 'any' || wanted === found

function matchesTtl({ ttl, anyDistance }: SynSignature, found: number): boolean {
  return found <= ttl && (anyDistance || ttl - found <= MAX_DISTANCE)
}

function matchesWindow({ window }: SynSignature, syn: Syn): boolean {
  if (window === 'any') return true
  if (window.kind === 'exactly') return syn.window === window.size
  if (window.kind === 'multiple') return syn.window % window.of === 0
  const multiple = windowMultiple(syn)
  return multiple?.kind === window.kind && multiple.times === window.times
}

/** What the window is a multiple of, tried in this order; the first that divides it counts. */
function* divisors({ version, mss, timestamp, headers }: Syn): Generator<readonly ['mss' | 'mtu', number]> {
  yield ['mss', mss]
  if (timestamp !== 0) yield ['mss', mss - 12]
  yield ['mss', 1460]
  yield ['mss', 1448]
  if (version === 6) {
    yield ['mss', 1440]
    yield ['mss', 1428]
  }
  yield ['mtu', mss + 40]
  yield ['mtu', mss + headers]
  if (version === 6) yield ['mtu', mss + 60]
  yield ['mtu', 1500]
}

function windowMultiple(syn: Syn): { kind: 'mss' | 'mtu'; times: number } | undefined {
  if (syn.window === 0 || syn.mss < 100) return undefined
  for (const [kind, size] of divisors(syn)) if (syn.window % size === 0) return { kind, times: syn.window / size }
  return undefined
}

/** The narrowest signature that a SYN has, with the TTL that it most likely began with (32, 64, 128 or 255). */
export function signatureOf(syn: Syn): SynSignature {
  const multiple = windowMultiple(syn)
  const { version, ipOptions, mss, scale, layout, eolPadding, quirks, payload } = syn
  const ttl = [32, 64, 128].find((initial) => syn.ttl <= initial) ?? 255
  return {
    version,
    ttl,
    anyDistance: ttl - syn.ttl > MAX_DISTANCE,
    ipOptions,
    mss,
    window: multiple ?? { kind: 'exactly', size: syn.window },
    scale,
    layout,
    eolPadding,
    quirks,
    payload,
  }
}
