import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Forbidden {
  readonly pattern: RegExp
  readonly why: string
}

const forbidden: readonly Forbidden[] = [
  { pattern: /\b(TODO|FIXME|XXX)\b/, why: 'unfinished work belongs into an issue' },
  { pattern: /\bregistry\.npm(js|mirror)\./, why: 'no package registry is named, any will do' },
  { pattern: /(?<![\w.~-])\/(work|home|root)\/\w/, why: 'a path of one machine' },
  { pattern: /^(<{7}|>{7}) /, why: 'a merge conflict' },
]

const text = /\.(ts|c|h|md|json|yaml|yml|sh|service|html|css)$|^\.ci\/|^tools\/debian-packages/
const own = /^tools\/check-text(\.test)?\.ts$/

/** Lines in files under version control that should not be in any. */
export function checkText(root: string): string[] {
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0')
  return tracked.filter((path) => text.test(path) && !own.test(path)).flatMap((path) => linesIn(root, path))
}

function linesIn(root: string, path: string): string[] {
  return readFileSync(join(root, path), 'utf8')
    .split('\n')
    .flatMap((line, index) =>
      forbidden
        .filter(({ pattern }) => pattern.test(line))
        .map(({ why }) => `${path}:${index + 1}: ${line.trim()} (${why})`),
    )
}
