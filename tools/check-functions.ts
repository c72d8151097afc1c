import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findFiles } from './find-files.ts'
import { nodesOf, type SyntaxNode } from './parse-source.ts'

/** Longest function, in lines from its first to its last. */
const LONGEST = 60

const kinds = new Set([
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
  'ClassMethod',
  'ClassPrivateMethod',
  'ObjectMethod',
])

/** Functions that are too long to be read at once. Generated files may be as long as they like. */
export function checkFunctions(root: string): string[] {
  const files = findFiles(root, (path) => path.endsWith('.ts') && !/(^|\/)generated\//.test(path))
  return files.flatMap((file) =>
    functionsOf(readFileSync(join(root, file), 'utf8'))
      .filter((node) => linesOf(node) > LONGEST)
      .map((node) => `${file}:${node.loc.start.line}: a function of ${linesOf(node)} lines (at most ${LONGEST})`),
  )
}

/** All functions, but for what `describe` is given: that is a list of tests. */
function functionsOf(source: string): SyntaxNode[] {
  const nodes = nodesOf(source)
  const lists = nodes
    .filter((node) => node.type === 'CallExpression' && (node.callee as SyntaxNode).name === 'describe')
    .flatMap((call) => call.arguments as SyntaxNode[])
  return nodes.filter((node) => kinds.has(node.type) && !lists.includes(node))
}

function linesOf({ loc }: SyntaxNode): number {
  return loc.end.line - loc.start.line + 1
}
