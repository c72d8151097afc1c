import { OPTION, type SynSignature, type WindowSize } from './signature.ts'

const namesOfOptions = new Map<number, string>(Object.entries(OPTION).map(([name, kind]) => [kind, name]))

/** The text of a signature: `parseSignature` reads the same signature from it. */
export function formatSignature(signature: SynSignature): string {
  const { version, ttl, anyDistance, ipOptions, mss, window, scale, payload } = signature
  return [
    orStar(version),
    `${ttl}${anyDistance ? '-' : ''}`,
    ipOptions,
    orStar(mss),
    `${formatWindow(window)},${orStar(scale)}`,
    formatLayout(signature),
    signature.quirks.join(','),
    payload === 'any' ? '*' : payload ? '+' : '0',
  ].join(':')
}

const orStar = (value: number | 'any'): string => (value === 'any' ? '*' : String(value))

function formatWindow(window: WindowSize): string {
  if (window === 'any') return '*'
  if (window.kind === 'exactly') return String(window.size)
  return window.kind === 'multiple' ? `%${window.of}` : `${window.kind}*${window.times}`
}

/** `mss,nop,eol+2`. */
export function formatLayout({ layout, eolPadding }: Pick<SynSignature, 'layout' | 'eolPadding'>): string {
  return layout
    .map((kind) => (kind === OPTION.eol ? `eol+${eolPadding}` : (namesOfOptions.get(kind) ?? `?${kind}`)))
    .join(',')
}
