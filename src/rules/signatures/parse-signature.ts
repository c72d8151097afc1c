import { RuleSyntaxError, ruleErrorCodes } from '../errors.ts'
import { closest } from '../suggest.ts'
import {
  MAX_OPTIONS,
  OPTION,
  type OptionName,
  type Quirk,
  quirks,
  quirksOnlyOf,
  type SynSignature,
} from './signature.ts'

const PARTS = ['ver', 'ittl', 'olen', 'mss', 'wsize,scale', 'olayout', 'quirks', 'pclass'] as const
const FORM = PARTS.join(':')

/** A stretch of a signature, and where it stands in the text that errors show. */
class Part {
  readonly text: string
  readonly #source: string
  readonly #offset: number

  constructor(text: string, source: string, offset: number) {
    this.text = text
    this.#source = source
    this.#offset = offset
  }

  /** The stretches between separators. */
  split(separator: string): Part[] {
    let at = 0
    return this.text.split(separator).map((text) => {
      const part = this.from(at, text.length)
      at += text.length + separator.length
      return part
    })
  }

  from(at: number, length = this.text.length - at): Part {
    return new Part(this.text.slice(at, at + length), this.#source, this.#offset + at)
  }

  fail(what: string, wanted: string, suggestion?: string): never {
    const found = this.text === '' ? 'nothing' : `"${this.text}"`
    const summary = `Cannot read the p0f signature: found ${found} as ${what}, wanted ${wanted}`
    const span = { offset: this.#offset, length: Math.max(1, this.text.length) }
    throw new RuleSyntaxError({ code: ruleErrorCodes.syntax, summary, suggestion }, this.#source, span)
  }

  number(what: string, from: number, to: number, wanted = ''): number {
    const value = /^\d{1,5}$/.test(this.text) ? Number(this.text) : Number.NaN
    return value >= from && value <= to ? value : this.fail(what, `${from} to ${to}${wanted}`)
  }

  numberOrAny(what: string, from: number, to: number): number | 'any' {
    return this.text === '*' ? 'any' : this.number(what, from, to, ', or *')
  }
}

/**
 * Reads a p0f v3 signature such as `4:64:0:*:mss*10,6:mss,sok,ts,nop,ws:df,id+:0`. It stands in `source` from `offset` on.
 * @throws RuleSyntaxError that points at what is wrong
 */
export function parseSignature(text: string, source: string = text, offset = 0): SynSignature {
  const whole = new Part(text, source, offset)
  const parts = whole.split(':')
  if (parts.length > PARTS.length) parts[PARTS.length]!.fail('a ninth part', `the end behind eight: ${FORM}`)
  if (parts.length < PARTS.length) {
    whole.from(text.length).fail(`part ${parts.length + 1} of eight (${PARTS[parts.length]})`, `the form ${FORM}`)
  }
  const [ver, ittl, olen, mss, size, olayout, oddities, pclass] = parts as [
    Part,
    Part,
    Part,
    Part,
    Part,
    Part,
    Part,
    Part,
  ]
  const version = readVersion(ver)
  return {
    version,
    ...readTtl(ittl),
    ipOptions: olen.number('length of IP options', 0, 255),
    mss: mss.numberOrAny('MSS', 0, 65535),
    ...readSize(size),
    ...readLayout(olayout),
    quirks: readQuirks(oddities, version),
    payload: readPayload(pclass),
  }
}

function readVersion(part: Part): SynSignature['version'] {
  if (part.text === '*') return 'any'
  return part.text === '4' || part.text === '6' ? (Number(part.text) as 4 | 6) : part.fail('IP version', '4, 6 or *')
}

/** `64`, `64-`, or `54+10`: the TTL seen and the distance that it has come. */
function readTtl(part: Part): Pick<SynSignature, 'ttl' | 'anyDistance'> {
  const anyDistance = part.text.endsWith('-')
  const [seen, distance, more] = (anyDistance ? part.from(0, part.text.length - 1) : part).split('+') as [
    Part,
    Part?,
    Part?,
  ]
  const first = seen.number('initial TTL', 1, 255, ', such as 64, 64- or 54+10')
  if (!distance) return { ttl: first, anyDistance }
  if (anyDistance || more) part.fail('initial TTL', 'one distance or "-", not both')
  return { ttl: first + distance.number('distance', 0, 255 - first), anyDistance }
}

function readSize(part: Part): Pick<SynSignature, 'window' | 'scale'> {
  const [size, scale, more] = part.split(',') as [Part, Part?, Part?]
  if (!scale || more) return part.fail('window size and scale', 'two, such as mss*10,6')
  return { window: readWindow(size), scale: scale.numberOrAny('window scale', 0, 255) }
}

function readWindow(part: Part): SynSignature['window'] {
  if (part.text === '*') return 'any'
  if (part.text.startsWith('%')) return { kind: 'multiple', of: part.from(1).number('divisor of the window', 2, 65535) }
  const factor = /^(mss|mtu)\*/.exec(part.text)
  if (factor) {
    return { kind: factor[1] as 'mss' | 'mtu', times: part.from(4).number(`multiple of the ${factor[1]}`, 1, 1000) }
  }
  return { kind: 'exactly', size: part.number('window size', 0, 65535, ', mss*N, mtu*N, %N or *') }
}

function readLayout(part: Part): Pick<SynSignature, 'layout' | 'eolPadding'> {
  if (part.text === '') return { layout: [], eolPadding: 0 }
  const options = part.split(',')
  if (options.length > MAX_OPTIONS) options[MAX_OPTIONS]!.fail(`option ${MAX_OPTIONS + 1}`, `at most ${MAX_OPTIONS}`)
  const layout: number[] = []
  let eolPadding = 0
  options.forEach((option, i) => {
    const kind = readOption(option)
    if (kind === OPTION.eol) {
      if (i < options.length - 1) option.fail(`option ${i + 1} of ${options.length}`, 'eol as the last')
      if (option.text.startsWith('eol')) eolPadding = option.from(4).number('padding behind eol', 0, 255)
    }
    layout.push(kind)
  })
  return { layout, eolPadding }
}

const optionNames = ['eol+N', ...Object.keys(OPTION).filter((name) => name !== 'eol'), '?N']

function readOption(option: Part): number {
  const { text } = option
  if (text.startsWith('?')) return option.from(1).number('kind of option', 0, 255)
  if (text === 'eol') return option.fail('TCP option', 'eol+N, N bytes of padding', 'write eol+0 if there is none')
  if (text.startsWith('eol+')) return OPTION.eol
  if (Object.hasOwn(OPTION, text)) return OPTION[text as OptionName]
  return option.fail('TCP option', `one of ${optionNames.join(', ')}`, didYouMean(text, optionNames))
}

function readQuirks(part: Part, version: SynSignature['version']): Quirk[] {
  if (part.text === '') return []
  const found = part.split(',').map((quirk) => {
    const { text } = quirk
    if (!quirks.some((known) => known === text)) {
      return quirk.fail('quirk', `one of ${quirks.join(', ')}`, didYouMean(text, quirks))
    }
    const foreign = version === 'any' ? [] : [...quirksOnlyOf[version === 4 ? 6 : 4], ...(version === 6 ? ['0+'] : [])]
    if (foreign.includes(text as Quirk)) quirk.fail('quirk', `one that IPv${version} can have`)
    return text as Quirk
  })
  return quirks.filter((quirk) => found.includes(quirk))
}

function readPayload(part: Part): SynSignature['payload'] {
  if (part.text === '*') return 'any'
  if (part.text === '0' || part.text === '+') return part.text === '+'
  return part.fail('payload class', '0 (none), + (some) or *')
}

function didYouMean(text: string, known: readonly string[]): string | undefined {
  const near = closest(text, known)
  return near === undefined ? undefined : `did you mean "${near}"?`
}
