import { type ParserPlugin, parse } from '@babel/parser'

/** A node of a syntax tree, as far as the checkers look into it. */
export interface SyntaxNode {
  readonly type: string
  readonly loc: { readonly start: { readonly line: number }; readonly end: { readonly line: number } }
  readonly [key: string]: unknown
}

const plugins: ParserPlugin[] = ['typescript', 'explicitResourceManagement']

/**
 * All nodes of a TypeScript source, in no particular order.
 *
 * @throws SyntaxError with line and column.
 */
export function nodesOf(source: string): SyntaxNode[] {
  const found: SyntaxNode[] = []
  const waiting: unknown[] = [parse(source, { sourceType: 'module', plugins }).program]
  while (waiting.length > 0) {
    const value = waiting.pop()
    if (Array.isArray(value)) waiting.push(...value)
    else if (isNode(value)) {
      found.push(value)
      waiting.push(...Object.values(value))
    }
  }
  return found
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && typeof (value as SyntaxNode).type === 'string'
}

/** An import of another module, also `import()` and `export … from`. */
export interface Import {
  readonly from: string
  readonly line: number
}

/** What a TypeScript source imports, in the order of its lines. */
export function importsOf(source: string): Import[] {
  const imports: Import[] = []
  for (const node of nodesOf(source)) {
    const from = isNode(node.source) ? node.source : node.type === 'CallExpression' && dynamicImport(node)
    if (from && typeof from.value === 'string') imports.push({ from: from.value, line: from.loc.start.line })
  }
  return imports.sort((a, b) => a.line - b.line)
}

function dynamicImport(node: SyntaxNode): SyntaxNode | undefined {
  const isImport = (node.callee as SyntaxNode).type === 'Import'
  return isImport ? (node.arguments as SyntaxNode[])[0] : undefined
}
