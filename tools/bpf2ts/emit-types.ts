import { type Enumeration, type Layout, LayoutError, type Struct } from '../../src/bpf/btf/layout.ts'
import { fieldName, plus, readText, typeText, writeText } from './emit-codec.ts'
import { enumerator, pascal } from './names.ts'

/** All structs and enumerations that layouts are made of, innermost first. */
export class TypeCollector {
  readonly types = new Map<string, Struct | Enumeration>()

  /** @throws LayoutError when two different types have one name, or a struct has none. */
  add(layout: Layout, where: string): void {
    if (layout.kind === 'list') this.add(layout.element, `${where}[]`)
    if (layout.kind === 'enum' && layout.name) this.#keep(layout, where)
    if (layout.kind !== 'struct') return
    if (!layout.name) throw new LayoutError(where, 'its struct has no name (give it one, for TypeScript to use)')
    for (const field of layout.fields) this.add(field.layout, `${where}.${field.name}`)
    this.#keep(layout, where)
  }

  #keep(layout: Struct | Enumeration, where: string): void {
    const name = pascal(layout.name)
    const known = this.types.get(name)
    if (known && textOf(known) !== textOf(layout)) {
      throw new LayoutError(where, `there are two different types called ${name}`)
    }
    this.types.set(name, layout)
  }
}

function textOf(layout: Layout): string {
  return JSON.stringify(layout, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
}

/** A type with its codec, or an enumeration with its values. */
export function typeDeclaration(layout: Struct | Enumeration): string {
  return layout.kind === 'enum' ? enumDeclaration(layout) : structDeclaration(layout)
}

function enumDeclaration({ name, values }: Enumeration): string {
  const type = pascal(name)
  const lines = values.map((one) => `  ${enumerator(name, one.name)}: ${one.value},`)
  return [
    `/** \`enum ${name}\` */`,
    `export const ${type} = {`,
    ...lines,
    '} as const',
    `export type ${type} = (typeof ${type})[keyof typeof ${type}]`,
  ].join('\n')
}

function structDeclaration({ name, size, fields }: Struct): string {
  const type = pascal(name)
  return [
    `/** \`struct ${name}\`, ${size} bytes */`,
    `export interface ${type} {`,
    ...fields.map((field) => `  readonly ${fieldName(field.name)}: ${typeText(field.layout)}`),
    '}',
    `export const ${type}: Codec<${type}> = {`,
    `  size: ${size},`,
    '  read: (view, at) => ({',
    ...fields.map((field) => `    ${fieldName(field.name)}: ${readText(field.layout, plus(field.offset))},`),
    '  }),',
    '  write: (view, at, value) => {',
    ...fields.map((field) => `    ${writeText(field.layout, plus(field.offset), `value.${fieldName(field.name)}`)}`),
    '  },',
    '}',
  ].join('\n')
}
