/** The operators of each type of field. A field may also be a pair, such as `udp.port`: then either field counts. */
import { type Comparison, type Expr, type FieldRef, MAX_WINDOW } from './ast.ts'
import {
  type AddressInput,
  type BytesInput,
  type Input,
  type RangeItem,
  type SetItem,
  toBytes,
  toItem,
  toValue,
} from './builder-values.ts'
import { checkExpr } from './check.ts'
import { Condition } from './condition.ts'
import type { FieldName } from './fields.ts'
import { compare, fieldRef } from './make.ts'
import { parsePattern } from './signatures/name-pattern.ts'

/** Makes a test of a field, or of both fields of a pair. */
export type Over = (test: (name: FieldName) => Expr) => Expr

abstract class Operand {
  readonly #over: Over
  readonly #slice: FieldRef['slice']
  readonly #mask: number | undefined

  constructor(over: Over, slice?: FieldRef['slice'], mask?: number) {
    this.#over = over
    this.#slice = slice
    this.#mask = mask
  }

  protected masked(mask: number): MaskedField {
    return new MaskedField(this.#over, this.#slice, mask)
  }

  protected sliced(offset: number, length: number): SliceField {
    return new SliceField(this.#over, { offset, length })
  }

  protected compare(op: Comparison, input: Exclude<Input, RangeItem | SetItem>): Condition {
    return this.#test((field) => compare(field, op, toValue(field.name, input), this.#mask))
  }

  protected among(inputs: readonly Input[]): Condition {
    return this.#test((field) => ({ kind: 'in', field, items: inputs.map((input) => toItem(field.name, input)) }))
  }

  protected search(bytes: BytesInput): Condition {
    const window = this.#slice ?? { offset: 0, length: MAX_WINDOW }
    return this.#test(({ name }) => ({ kind: 'contains', field: fieldRef(name, window), bytes: toBytes(bytes) }))
  }

  protected match(pattern: string): Condition {
    return this.#test((field) => ({ kind: 'matches', field, pattern: parsePattern(pattern) }))
  }

  #test(make: (field: FieldRef) => Expr): Condition {
    const expr = this.#over((name) => make(fieldRef(name, this.#slice)))
    checkExpr(expr)
    return new Condition(expr)
  }
}

/** Fields that are equal to a value or not. */
abstract class EqualOperand<Value extends Exclude<Input, RangeItem | SetItem>, InList extends Input> extends Operand {
  eq(value: Value): Condition {
    return this.compare('==', value)
  }

  ne(value: Value): Condition {
    return this.compare('!=', value)
  }

  in(...items: readonly (Value | InList)[]): Condition {
    return this.among(items)
  }

  notIn(...items: readonly (Value | InList)[]): Condition {
    return this.among(items).not()
  }
}

/** Fields that are also less or greater. */
abstract class OrderedOperand<Value extends number | BytesInput> extends EqualOperand<Value, RangeItem> {
  lt(value: Extract<Value, number>): Condition {
    return this.compare('<', value)
  }

  le(value: Extract<Value, number>): Condition {
    return this.compare('<=', value)
  }

  gt(value: Extract<Value, number>): Condition {
    return this.compare('>', value)
  }

  ge(value: Extract<Value, number>): Condition {
    return this.compare('>=', value)
  }
}

/** A number, or one of the names that its values have. */
export class NumberField<Named extends string = never> extends OrderedOperand<number | Named> {
  /** The field with only these bits left. */
  mask(mask: number): MaskedField {
    return this.masked(mask)
  }
}

/** What a mask leaves of a number. */
export class MaskedField extends Operand {
  eq(value: number): Condition {
    return this.compare('==', value)
  }

  ne(value: number): Condition {
    return this.compare('!=', value)
  }

  lt(value: number): Condition {
    return this.compare('<', value)
  }

  le(value: number): Condition {
    return this.compare('<=', value)
  }

  gt(value: number): Condition {
    return this.compare('>', value)
  }

  ge(value: number): Condition {
    return this.compare('>=', value)
  }
}

/** An address; compared with addresses and prefixes. */
export class AddressField extends EqualOperand<AddressInput, SetItem> {}

/** A MAC address, as text or as a 48-bit number. */
export class MacField extends EqualOperand<string | number, never> {}

/** A DNS name. */
export class NameField extends EqualOperand<string, never> {
  /** Whether the name is one of a pattern: `*` in front is one or more labels, `?` any one. */
  matches(pattern: string): Condition {
    return this.match(pattern)
  }
}

/** A payload. */
export class PayloadField extends Operand {
  /** Bytes from an offset on: `slice(0, 4)` is `[0:4]`. */
  slice(offset: number, length: number): SliceField {
    return this.sliced(offset, length)
  }

  /** Whether the bytes are anywhere in the first 256 of the payload. */
  contains(bytes: BytesInput): Condition {
    return this.search(bytes)
  }
}

/** Some bytes of a payload: as bytes, or as a big-endian number if they are four at most. */
export class SliceField extends OrderedOperand<number | BytesInput> {
  /** The number with only these bits left. */
  mask(mask: number): MaskedField {
    return this.masked(mask)
  }

  /** Whether the bytes are anywhere in the slice. */
  contains(bytes: BytesInput): Condition {
    return this.search(bytes)
  }
}
