import { type ParseResult, parse } from '@babel/parser'
import { createJiti } from 'jiti'
import * as rules from '../rules/index.ts'
import { defineConfig } from './define.ts'
import type { Document, Place } from './document.ts'
import { ConfigError } from './issue.ts'
import { defaultExport, nodeAt, type SyntaxNode } from './syntax.ts'

/**
 * Reads and runs a TypeScript or JavaScript configuration; what it exports as default is the configuration. The name `seawall`
 * in its imports means this very package.
 *
 * @throws ConfigError when it cannot be read, when it throws, or when it has no default export.
 */
export async function readTypescript(file: string, text: string): Promise<Document> {
  const program = parseModule(file, text)
  const root = defaultExport(program)
  if (root === undefined) {
    throw new ConfigError([
      {
        file,
        line: 1,
        column: 1,
        path: '',
        found: 'no default export',
        wanted: 'a configuration',
        remedy: 'write export default defineConfig({ … })',
      },
    ])
  }
  return {
    value: await run(file),
    locate: (target) => {
      const { node, reached } = nodeAt(program, root, target)
      const whole = reached === target.path.length
      return place(node, whole ? (target.offset ?? 0) : 0)
    },
  }
}

function parseModule(file: string, text: string): SyntaxNode {
  try {
    const result: ParseResult = parse(text, {
      sourceType: 'module',
      plugins: ['typescript'],
      createParenthesizedExpressions: false,
    })
    return result.program as unknown as SyntaxNode
  } catch (error) {
    const { loc, message } = error as { loc?: { line: number; column: number }; message: string }
    const at = loc === undefined ? {} : { line: loc.line, column: loc.column + 1 }
    const line = text.split('\n')[(loc?.line ?? 1) - 1] ?? ''
    const wanted = `valid TypeScript: ${message.replace(/ \(\d+:\d+\)$/, '')}`
    throw new ConfigError([{ file, ...at, path: '', found: JSON.stringify(line.trim()), wanted }], { cause: error })
  }
}

/** What the names of this package mean inside a configuration: this very code, not another copy of it. */
const modules = { seawall: { defineConfig }, 'seawall/rules': rules }

async function run(file: string): Promise<unknown> {
  const jiti = createJiti(import.meta.url, { fsCache: false, moduleCache: false, virtualModules: modules })
  try {
    return await jiti.import(file, { default: true })
  } catch (error) {
    throw new ConfigError(
      [
        {
          file,
          ...throwPlace(file, error),
          path: '',
          found: `an error while it ran: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`,
          wanted: 'a configuration that runs to its end',
        },
      ],
      { cause: error },
    )
  }
}

/** Where in the configuration the error was thrown, from its stack. */
function throwPlace(file: string, error: unknown): Partial<Place> {
  const stack = error instanceof Error ? (error.stack ?? '') : ''
  const at = stack.indexOf(`${file}:`)
  const match = at < 0 ? null : /^:(\d+):(\d+)/.exec(stack.slice(at + file.length))
  return match === null ? {} : { line: Number(match[1]), column: Number(match[2]) }
}

/** Start of a node; a string literal without escapes shows its inside too. */
function place(node: SyntaxNode, offset: number): Place | undefined {
  if (node.loc === undefined) return undefined
  const { line, column } = node.loc.start
  return { line, column: column + 1 + (offset > 0 || isString(node) ? insideString(node, offset) : 0) }
}

function isString(node: SyntaxNode): boolean {
  return node.type === 'StringLiteral'
}

function insideString(node: SyntaxNode, offset: number): number {
  if (!isString(node) || offset === 0) return 0
  const raw = String((node.extra as { raw?: string } | undefined)?.raw ?? '')
  return raw.slice(1, -1) === node.value ? offset + 1 : 0
}
