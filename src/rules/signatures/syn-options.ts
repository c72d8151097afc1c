import { lengthRange, MAX_OPTIONS, MAX_SCALE, OPTION, optionLength, type Quirk } from './signature.ts'

/** The options of a SYN. Of several of a kind, the last counts. */
export interface SynOptions {
  /** Kinds in order. The last may be cut short. */
  readonly layout: readonly number[]
  readonly eolPadding: number
  /** 0 without the option; `scale` and `timestamp` too. */
  readonly mss: number
  readonly scale: number
  readonly timestamp: number
  readonly quirks: readonly Quirk[]
}

/** Reads the options behind the fixed TCP header, even if something is wrong with them. */
export function readSynOptions(bytes: Uint8Array): SynOptions {
  const reader = new OptionReader(bytes)
  while (reader.next());
  return { ...reader.found, layout: reader.layout, quirks: [...reader.quirks] }
}

class OptionReader {
  readonly layout: number[] = []
  readonly quirks = new Set<Quirk>()
  readonly found = { eolPadding: 0, mss: 0, scale: 0, timestamp: 0 }
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Reads one option; false behind the last that can be read. */
  next(): boolean {
    const at = this.#at
    if (at === this.#bytes.length) return false
    if (this.layout.length === MAX_OPTIONS) return this.#bad()
    const kind = this.#bytes[at]!
    this.layout.push(kind)
    if (kind === OPTION.eol) return this.#end(at + 1)
    const length = this.#length(kind, at)
    if (length === undefined || at + length > this.#bytes.length) return this.#bad()
    this.#take(kind, at)
    this.#at += length
    return true
  }

  #bad(): boolean {
    this.quirks.add('bad')
    return false
  }

  #end(at: number): boolean {
    const padding = this.#bytes.subarray(at)
    this.found.eolPadding = padding.length
    if (padding.some((byte) => byte !== 0)) this.quirks.add('opt+')
    return false
  }

  /** How far the next option is; an option of a fixed length has it whatever its length byte says. */
  #length(kind: number, at: number): number | undefined {
    const fixed = optionLength[kind]
    const said = this.#bytes[at + 1]
    if (fixed !== undefined) {
      if (fixed > 1 && said !== fixed) this.quirks.add('bad')
      return fixed
    }
    const [least, most] = lengthRange(kind)
    return said !== undefined && said >= least && said <= most ? said : undefined
  }

  #take(kind: number, at: number): void {
    if (kind === OPTION.mss) this.found.mss = this.#view.getUint16(at + 2)
    if (kind === OPTION.ws) {
      this.found.scale = this.#bytes[at + 2]!
      if (this.found.scale > MAX_SCALE) this.quirks.add('exws')
    }
    if (kind === OPTION.ts) {
      this.found.timestamp = this.#view.getUint32(at + 2)
      if (this.found.timestamp === 0) this.quirks.add('ts1-')
      if (this.#view.getUint32(at + 6) !== 0) this.quirks.add('ts2+')
    }
  }
}
