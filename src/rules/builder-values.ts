/** Values of TypeScript to those of the syntax tree. */
import { type Address, addressBits } from '../net/address.ts'
import { NetError } from '../net/errors.ts'
import { parseMac } from '../net/mac.ts'
import { type Prefix, parsePrefix } from '../net/prefix.ts'
import type { Item, Value } from './ast.ts'
import { RuleTypeError, ruleErrorCodes } from './errors.ts'
import { type FieldName, fields } from './fields.ts'
import { valueByName } from './names.ts'
import { canonicalName, refuseUnicode, wantedValue } from './values.ts'

/** An address or prefix, as text or as it is. */
export type AddressInput = string | Address | Prefix

/** A text stands for its UTF-8 bytes. */
export type BytesInput = string | Uint8Array

export type RangeItem = Extract<Item, { kind: 'range' }>
export type SetItem = Extract<Item, { kind: 'set' }>

/** Any value or list item that some field takes. */
export type Input = number | BytesInput | Address | Prefix | RangeItem | SetItem

/** Numbers from one to another, both included. */
export const range = (from: number, to: number): RangeItem => ({ kind: 'range', from, to })

/** A named set: `set('bogons')` is `$bogons`. */
export const set = (name: string): SetItem => ({ kind: 'set', name })

/**
 * The list item that an input stands for with a field.
 * @throws RuleTypeError
 */
export function toItem(name: FieldName, input: Input): Item {
  return typeof input === 'object' && 'kind' in input ? input : toValue(name, input)
}

/**
 * The value that an input stands for with a field.
 * @throws RuleTypeError
 */
export function toValue(name: FieldName, input: Exclude<Input, RangeItem | SetItem>): Value {
  try {
    const value = typeof input === 'string' ? fromText(name, input) : fromData(input)
    if (value) return value
  } catch (cause) {
    if (!(cause instanceof NetError)) throw cause
    throw new RuleTypeError({ code: ruleErrorCodes.type, summary: cause.message }, undefined, undefined, { cause })
  }
  const summary = `Cannot compare "${name}" with "${String(input)}": it takes ${wantedValue(name)}`
  throw new RuleTypeError({ code: ruleErrorCodes.type, summary })
}

function fromText(name: FieldName, text: string): Value | undefined {
  switch (fields[name].type.kind) {
    case 'bool':
      return undefined
    case 'address':
      return { kind: 'prefix', prefix: parsePrefix(text) }
    case 'mac':
      return { kind: 'number', value: parseMac(text) }
    case 'name':
      return { kind: 'name', name: canonicalName(refuseUnicode(text)) }
    case 'bytes':
      return { kind: 'bytes', bytes: toBytes(text) }
    case 'number': {
      const value = valueByName(name, text)
      return value === undefined ? undefined : { kind: 'number', value }
    }
  }
}

function fromData(input: number | Uint8Array | Address | Prefix): Value {
  if (typeof input === 'number') return { kind: 'number', value: input }
  if (input instanceof Uint8Array) return { kind: 'bytes', bytes: toBytes(input) }
  const { family, value } = input
  const length = 'length' in input ? input.length : addressBits[family]
  return { kind: 'prefix', prefix: { family, value, length } }
}

/** A plain array of the bytes, whatever they came in. */
export const toBytes = (input: BytesInput): Uint8Array =>
  typeof input === 'string' ? new TextEncoder().encode(input) : Uint8Array.from(input)
