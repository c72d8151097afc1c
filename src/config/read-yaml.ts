import { isMap, isNode, isPair, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLError } from 'yaml'
import type { Document, Path, Place, Target } from './document.ts'
import { placeAt } from './document.ts'
import { ConfigError, type ConfigIssue } from './issue.ts'

/**
 * Reads YAML or JSON, which is a part of YAML.
 *
 * @throws ConfigError with every syntax error.
 */
export function readYaml(file: string, text: string): Document {
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: true, version: '1.2' })
  if (document.errors.length > 0) {
    throw new ConfigError(document.errors.map((error) => syntaxIssue(file, text, error)))
  }
  const root = document.contents as Node | null
  return {
    value: document.toJS({ maxAliasCount: 100 }) as unknown,
    locate: (target) => locate(text, root, target),
  }
}

function syntaxIssue(file: string, text: string, error: YAMLError): ConfigIssue {
  const place = placeAt(text, error.pos[0])
  const line = text.split('\n')[place.line - 1] ?? ''
  const wanted = `valid ${file.endsWith('.json') ? 'JSON' : 'YAML'}: ${lowerFirst(error.message)}`
  return { file, ...place, path: '', found: JSON.stringify(line.trim()), wanted }
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}

function locate(text: string, root: Node | null, target: Target): Place | undefined {
  const { node, reached } = walk(root, target.path, target.key === true)
  if (node?.range === undefined || node.range === null) return undefined
  const start = node.range[0]
  const whole = reached === target.path.length
  return placeAt(text, start + (whole && target.offset !== undefined ? insideScalar(text, node, target.offset) : 0))
}

/** Offset of a character of a plain or quoted one-line scalar; 0 where escapes or folding make that uncertain. */
function insideScalar(text: string, node: Node, offset: number): number {
  if (!isScalar(node) || typeof node.value !== 'string' || node.range === undefined || node.range === null) return 0
  const at = text.slice(node.range[0], node.range[1]).indexOf(node.value)
  return at < 0 ? 0 : at + offset
}

function walk(root: Node | null, path: Path, key: boolean): { node: Node | null; reached: number } {
  let node = root
  for (const [index, part] of path.entries()) {
    const next = child(node, part, key && index === path.length - 1)
    if (next === undefined) return { node, reached: index }
    node = next
  }
  return { node, reached: path.length }
}

function child(node: Node | null, part: string | number, key: boolean): Node | undefined {
  if (isSeq(node)) {
    const item = node.items[Number(part)]
    return isNode(item) ? item : undefined
  }
  if (!isMap(node)) return undefined
  const pair = node.items.find(
    (item) => isPair(item) && String(isScalar(item.key) ? item.key.value : item.key) === part,
  )
  const found = key ? pair?.key : (pair?.value ?? pair?.key)
  return isNode(found) ? found : undefined
}
