/** The types of the language: which field goes with which operator and value. Text and builder are checked alike. */

import { addressBits } from '../net/address.ts'
import { encodeName } from '../net/dns-name.ts'
import { formatPrefix, type Prefix, prefixOf } from '../net/prefix.ts'
import { type Expr, type FieldRef, type Item, MAX_WINDOW, type Value } from './ast.ts'
import { checkClassic } from './classic/index.ts'
import { connectionsProblem } from './connections/index.ts'
import { type RuleErrorCode, RuleTypeError, ruleErrorCodes, type Span } from './errors.ts'
import { type FieldName, type FieldType, fields } from './fields.ts'
import { formatSignature } from './signatures/format-signature.ts'
import { patternOf } from './signatures/name-pattern.ts'
import { parseSignature } from './signatures/parse-signature.ts'
import { closest } from './suggest.ts'
import { wantedValue } from './values.ts'

/** The last byte of a payload that a slice can reach. */
export const MAX_SLICE_END = 1500
/** Longest byte string of `==`, and of `contains`. */
export const MAX_EQUAL_BYTES = 64
export const MAX_CONTAINS_BYTES = 32

export interface CheckOptions {
  /** Names of the sets that exist. Without it, any name is taken. */
  readonly sets?: Iterable<string>
  /** Text that the tree came from, and where its nodes stand in it. */
  readonly source?: string
  readonly spans?: ReadonlyMap<object, Span>
}

/**
 * Checks the types of an expression.
 * @throws RuleTypeError for the first thing wrong
 */
export function checkExpr(expr: Expr, options: CheckOptions = {}): void {
  new Checker(options).expr(expr)
}

type Compare = Extract<Expr, { kind: 'compare' }>

class Checker {
  readonly #sets: ReadonlySet<string> | undefined
  readonly #options: CheckOptions

  constructor(options: CheckOptions) {
    this.#options = options
    const { sets } = options
    this.#sets = sets === undefined || sets instanceof Set ? sets : new Set(sets)
  }

  expr(expr: Expr): void {
    switch (expr.kind) {
      case 'and':
      case 'or':
        if (expr.terms.length === 0) this.#fail(expr, 'type', `Cannot join no terms with "${expr.kind}"`)
        for (const term of expr.terms) this.expr(term)
        return
      case 'not':
        this.expr(expr.term)
        return
      case 'flag':
        this.#flag(expr, expr.field)
        return
      case 'compare':
        this.#compare(expr)
        return
      case 'in':
        this.#in(expr.field, expr.items, expr)
        return
      case 'contains':
        this.#contains(expr.field, expr.bytes, expr)
        return
      case 'matches':
        this.#matches(expr)
        return
      case 'p0f':
        this.#sound(expr, 'syntax', () => parseSignature(formatSignature(expr.signature)))
        return
      case 'connections': {
        const problem = connectionsProblem(expr)
        if (problem !== undefined) this.#fail(expr, 'range', problem)
        return
      }
      case 'pcap':
        this.#sound(expr, 'pcap', () => checkClassic(expr.program))
        return
      case 'literal':
        return
    }
  }

  #flag(node: object, name: FieldName): void {
    const type = this.#typeOf({ name })
    if (type.kind !== 'bool') this.#fail(node, 'type', `Cannot use "${name}" by itself: it takes ${wantedValue(name)}`)
  }

  #compare(expr: Compare): void {
    const { field, op, value } = expr
    const type = this.#typeOf(field)
    if (type.kind === 'bytes' && !field.slice) {
      this.#fail(field, 'type', `Cannot compare all of "${field.name}"`, `write a slice, such as ${field.name}[0:4]`)
    }
    if (op !== '==' && op !== '!=' && !isNumeric(type, value)) {
      this.#fail(expr, 'type', `Cannot order "${field.name}" with "${op}": wanted "==" or "!="`)
    }
    this.#value(field, type, value, value)
    if (expr.mask !== undefined) this.#mask(expr, type, expr.mask)
  }

  #mask(expr: Compare, type: FieldType, mask: number): void {
    const { name } = expr.field
    if (!isNumeric(type, expr.value) || expr.value.kind !== 'number') {
      this.#fail(expr, 'type', `Cannot mask "${name}": masks are for numbers`)
    }
    this.#inWidth(expr, expr.field, type, mask, 'mask')
    if (mask === 0) this.#fail(expr, 'range', `Cannot mask "${name}" with 0: the result is always 0`)
    const outside = (BigInt(expr.value.value) & ~BigInt(mask)) !== 0n
    if (outside && (expr.op === '==' || expr.op === '!=')) {
      const [masked, value] = [hex(mask), hex(expr.value.value)]
      this.#fail(expr, 'range', `"${name} & ${masked}" can never be ${value}: the mask clears some of its bits`)
    }
  }

  #in(field: FieldRef, items: readonly Item[], node: object): void {
    const type = this.#typeOf(field)
    if (type.kind === 'bytes' && !field.slice) {
      this.#fail(field, 'type', `Cannot compare all of "${field.name}"`, `write a slice, such as ${field.name}[0:4]`)
    }
    if (items.length === 0) this.#fail(node, 'type', `The list for "${field.name}" is empty, wanted one value at least`)
    for (const item of items) this.#item(field, type, item)
    if (items.some((item) => item.kind === 'bytes') && items.some((item) => item.kind !== 'bytes')) {
      this.#fail(node, 'type', `Cannot mix bytes and numbers in one list for "${field.name}"`, 'write two comparisons')
    }
  }

  #item(field: FieldRef, type: FieldType, item: Item): void {
    if (item.kind === 'set') {
      this.#set(field, type, item)
      return
    }
    if (item.kind !== 'range') {
      this.#value(field, type, item, item)
      return
    }
    if (type.kind !== 'number' && type.kind !== 'bytes') {
      this.#fail(item, 'type', `Cannot make a range for "${field.name}": it takes ${wantedValue(field.name)}`)
    }
    this.#inWidth(item, field, type, item.from)
    this.#inWidth(item, field, type, item.to)
    if (item.from > item.to) {
      const suggestion = `write ${item.to}-${item.from}`
      this.#fail(item, 'range', `The range ${item.from}-${item.to} is empty: it runs backwards`, suggestion)
    }
  }

  #set(field: FieldRef, type: FieldType, item: { readonly name: string }): void {
    if (type.kind !== 'address') {
      this.#fail(item, 'type', `Cannot look for "${field.name}" in $${item.name}: sets hold addresses and prefixes`)
    }
    if (!this.#sets || this.#sets.has(item.name)) return
    const near = closest(item.name, this.#sets)
    const suggestion =
      near === undefined ? `known sets: ${[...this.#sets].join(', ') || 'none'}` : `did you mean $${near}?`
    this.#fail(item, 'unknownSet', `Unknown set "$${item.name}"`, suggestion)
  }

  #contains(field: FieldRef, bytes: Uint8Array, node: object): void {
    const type = this.#typeOf(field)
    if (type.kind !== 'bytes') this.#fail(field, 'type', `Cannot search "${field.name}": "contains" is for payloads`)
    const window = field.slice?.length ?? MAX_WINDOW
    if (window > MAX_WINDOW) {
      this.#fail(field, 'range', `The window of "contains" has ${window} bytes, wanted at most ${MAX_WINDOW}`)
    }
    if (bytes.length < 1 || bytes.length > MAX_CONTAINS_BYTES) {
      this.#fail(node, 'range', `"contains" looks for ${bytes.length} bytes, wanted 1 to ${MAX_CONTAINS_BYTES}`)
    }
    if (bytes.length > window) {
      this.#fail(node, 'range', `"contains" looks for ${bytes.length} bytes in a window of ${window}: they never fit`)
    }
  }

  /** The type of a field, after a look at its slice. */
  #typeOf(field: FieldRef): FieldType {
    if (!Object.hasOwn(fields, field.name)) this.#fail(field, 'unknownField', `Unknown field "${field.name}"`)
    const { type } = fields[field.name]
    const { slice } = field
    if (!slice) return type
    if (type.kind !== 'bytes') this.#fail(field, 'type', `Cannot slice "${field.name}": only payloads have slices`)
    const { offset, length } = slice
    if (!Number.isInteger(offset) || !Number.isInteger(length) || offset < 0 || length < 1) {
      this.#fail(
        field,
        'range',
        `The slice [${offset}:${length}] of "${field.name}" is empty, wanted one byte at least`,
      )
    }
    if (offset + length > MAX_SLICE_END) {
      const summary = `The slice [${offset}:${length}] of "${field.name}" ends at byte ${offset + length}`
      this.#fail(field, 'range', `${summary}, wanted at most ${MAX_SLICE_END}`)
    }
    return type
  }

  #value(field: FieldRef, type: FieldType, value: Value, node: object): void {
    const wanted = type.kind === 'address' ? 'prefix' : type.kind === 'mac' ? 'number' : type.kind
    if (type.kind === 'bytes' && (value.kind === 'number' || value.kind === 'bytes')) {
      this.#bytes(field, value, node)
      return
    }
    if (value.kind !== wanted) {
      this.#fail(
        node,
        'type',
        `Cannot compare "${field.name}" with a ${value.kind}: it takes ${wantedValue(field.name)}`,
      )
    }
    if (value.kind === 'number') this.#inWidth(node, field, type, value.value)
    if (value.kind === 'prefix') this.#prefix(node, value.prefix)
    if (value.kind === 'name') this.#name(node, value.name)
  }

  #bytes(field: FieldRef, value: Extract<Value, { kind: 'number' | 'bytes' }>, node: object): void {
    const length = field.slice?.length ?? 0
    if (value.kind === 'number') {
      if (length <= 4) {
        this.#inWidth(node, field, { kind: 'bytes' }, value.value)
        return
      }
      this.#fail(
        node,
        'type',
        `Cannot compare ${length} bytes of "${field.name}" with a number`,
        'write at most 4 bytes',
      )
    }
    if (value.bytes.length > MAX_EQUAL_BYTES) {
      this.#fail(node, 'range', `The text has ${value.bytes.length} bytes, wanted at most ${MAX_EQUAL_BYTES}`)
    }
    if (value.bytes.length === length) return
    const suggestion = `write ${field.name}[${field.slice?.offset}:${value.bytes.length}]`
    this.#fail(
      node,
      'range',
      `The slice of "${field.name}" has ${length} bytes, the text ${value.bytes.length}`,
      suggestion,
    )
  }

  #inWidth(node: object, field: FieldRef, type: FieldType, value: number, what = 'value'): void {
    const length = field.slice?.length ?? 0
    if (type.kind === 'bytes' && length > 4) {
      this.#fail(
        node,
        'type',
        `Cannot compare ${length} bytes of "${field.name}" with a number`,
        'write at most 4 bytes',
      )
    }
    const bits = type.kind === 'number' ? type.bits : type.kind === 'bytes' ? 8 * length : 48
    const max = 2 ** bits - 1
    if (Number.isInteger(value) && value >= 0 && value <= max) return
    this.#fail(node, 'range', `The ${what} ${value} does not fit "${field.name}", wanted 0 to ${max}`)
  }

  #prefix(node: object, prefix: Prefix): void {
    const bits = addressBits[prefix.family]
    if (!Number.isInteger(prefix.length) || prefix.length < 0 || prefix.length > bits) {
      this.#fail(node, 'range', `The prefix length ${prefix.length} is out of range, wanted 0 to ${bits}`)
    }
    const network = prefixOf(prefix, prefix.length)
    if (network.value === prefix.value) return
    this.#fail(node, 'range', `The prefix ${formatPrefix(prefix)} has host bits set`, `write ${formatPrefix(network)}`)
  }

  #name(node: object, name: string): void {
    try {
      encodeName(name)
    } catch (cause) {
      this.#fail(node, 'type', (cause as Error).message)
    }
    if (/[A-Z]|\.$/.test(name)) this.#fail(node, 'type', `The name "${name}" is not in lower case without a final dot`)
  }

  #matches(expr: Extract<Expr, { kind: 'matches' }>): void {
    const { field, pattern } = expr
    const type = this.#typeOf(field)
    if (type.kind !== 'name') this.#fail(field, 'type', `Cannot match "${field.name}": "matches" is for names`)
    const canonical = this.#sound(expr, 'type', () => patternOf(pattern.split('.').map((text) => ({ text }))))
    if (pattern === canonical) return
    this.#fail(expr, 'type', `The pattern "${pattern}" is not in lower case without a final dot`)
  }

  /** What the parser and the builder make is sound; a tree may come from elsewhere. */
  #sound<T>(node: object, code: keyof typeof ruleErrorCodes, check: () => T): T {
    try {
      return check()
    } catch (cause) {
      return this.#fail(node, code, (cause as Error).message)
    }
  }

  #fail(node: object, code: keyof typeof ruleErrorCodes, summary: string, suggestion?: string): never {
    const { source, spans } = this.#options
    const stable: RuleErrorCode = ruleErrorCodes[code]
    throw new RuleTypeError({ code: stable, summary, suggestion }, source, spans?.get(node))
  }
}

/** Whether the values of a comparison are numbers that have an order. */
function isNumeric(type: FieldType, value: Value): boolean {
  return type.kind === 'number' || (type.kind === 'bytes' && value.kind === 'number')
}

const hex = (value: number): string => `0x${value.toString(16)}`
