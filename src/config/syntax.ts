import type { Target } from './document.ts'

/** As much of a Babel syntax node as is needed to find where a value is written. */
export interface SyntaxNode {
  readonly type: string
  readonly loc?: { readonly start: { readonly line: number; readonly column: number } }
  readonly [key: string]: unknown
}

/** The expression that a module exports as default. */
export function defaultExport(program: SyntaxNode): SyntaxNode | undefined {
  const found = list(program.body).find((node) => node.type === 'ExportDefaultDeclaration')
  return found?.declaration as SyntaxNode | undefined
}

/** Follows a path into the literals of an expression, as far as the text shows it. */
export function nodeAt(program: SyntaxNode, root: SyntaxNode, target: Target): { node: SyntaxNode; reached: number } {
  let node = plain(program, root)
  for (const [index, part] of target.path.entries()) {
    const last = index === target.path.length - 1
    const next = step(program, node, part, target.key === true && last)
    if (next === undefined) return { node, reached: index }
    node = last ? next : plain(program, next)
  }
  return { node: target.key === true ? node : plain(program, node), reached: target.path.length }
}

function step(program: SyntaxNode, node: SyntaxNode, part: string | number, key: boolean): SyntaxNode | undefined {
  if (node.type === 'ArrayExpression') return elements(program, node)[Number(part)]
  if (node.type !== 'ObjectExpression') return undefined
  const found = list(node.properties).findLast((property) => keyOf(property) === part)
  return (key ? found?.key : found?.value) as SyntaxNode | undefined
}

/** Elements of an array, those of constant arrays that are spread in it too; up to where only a run can tell. */
function elements(program: SyntaxNode, array: SyntaxNode): readonly SyntaxNode[] {
  const parts = list(array.elements).map((element) => {
    if (element?.type !== 'SpreadElement') return [element]
    const spread = plain(program, element.argument as SyntaxNode)
    return spread.type === 'ArrayExpression' ? elements(program, spread) : undefined
  })
  const unknown = parts.indexOf(undefined)
  return (unknown < 0 ? parts : parts.slice(0, unknown)).flatMap((part) => part as SyntaxNode[])
}

function keyOf(property: SyntaxNode): string | undefined {
  if (property.type !== 'ObjectProperty' || property.computed === true) return undefined
  const key = property.key as SyntaxNode
  return key.type === 'Identifier' ? String(key.name) : String(key.value)
}

const wrappers = ['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression', 'ParenthesizedExpression']

/** Looks through types, `defineConfig(…)` and names of constants of the same file. */
function plain(program: SyntaxNode, node: SyntaxNode): SyntaxNode {
  if (wrappers.includes(node.type)) return plain(program, node.expression as SyntaxNode)
  if (node.type === 'CallExpression' && (node.callee as SyntaxNode).name === 'defineConfig') {
    const first = list(node.arguments)[0]
    return first === undefined ? node : plain(program, first)
  }
  if (node.type === 'Identifier') {
    const value = constant(program, String(node.name))
    return value === undefined ? node : plain(program, value)
  }
  return node
}

function constant(program: SyntaxNode, name: string): SyntaxNode | undefined {
  for (const statement of list(program.body)) {
    const declaration = (statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement) as SyntaxNode
    if (declaration?.type !== 'VariableDeclaration' || declaration.kind !== 'const') continue
    const found = list(declaration.declarations).find((one) => (one.id as SyntaxNode).name === name)
    if (found !== undefined) return found.init as SyntaxNode
  }
  return undefined
}

function list(value: unknown): readonly SyntaxNode[] {
  return value as readonly SyntaxNode[]
}
