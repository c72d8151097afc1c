import type { z } from 'zod'
import type { IssueParams } from '../entry/schema.ts'
import { closest } from '../rules/suggest.ts'
import { type Document, formatPath, type Path } from './document.ts'
import type { ConfigIssue } from './issue.ts'

/** Gives every issue of a schema its place in the file, and puts them in the order of the file. */
export function placeIssues(file: string, document: Document, issues: readonly z.core.$ZodIssue[]): ConfigIssue[] {
  const placed = issues.flatMap((issue) => expand(issue).map((one) => place(file, document, one)))
  return placed.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0))
}

interface Located {
  readonly path: Path
  readonly wanted: string
  readonly params: IssueParams
}

function expand(issue: z.core.$ZodIssue): Located[] {
  const path = issue.path as Path
  if (issue.code === 'custom') return [{ path, wanted: issue.message, params: (issue.params ?? {}) as IssueParams }]
  if (issue.code !== 'unrecognized_keys') return [{ path, wanted: issue.message, params: {} }]
  const known = issue.message.replace(/^one of /, '').split(', ')
  return issue.keys.map((name) => {
    const meant = closest(name, known)
    const remedy = meant === undefined ? 'remove it' : `did you mean "${meant}"?`
    return {
      path: [...path, name],
      wanted: issue.message,
      params: { key: true, found: `unknown key "${name}"`, remedy },
    }
  })
}

function place(file: string, document: Document, { path, wanted, params }: Located): ConfigIssue {
  const at = document.locate({
    path,
    key: params.key === true,
    ...(params.offset === undefined ? {} : { offset: params.offset }),
  })
  return {
    file,
    ...at,
    path: formatPath(path),
    found: params.found ?? show(valueAt(document.value, path)),
    wanted,
    ...(params.remedy === undefined ? {} : { remedy: params.remedy }),
  }
}

function valueAt(value: unknown, path: Path): unknown {
  let at = value
  for (const part of path) at = (at as Record<string | number, unknown> | null | undefined)?.[part]
  return at
}

const SHOWN = 80

/** A value as short text: what the user wrote, or its kind when that would be long. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'function') return 'a function'
  const text = typeof value === 'bigint' ? `${value}n` : (JSON.stringify(value) ?? String(value))
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}…`
}
