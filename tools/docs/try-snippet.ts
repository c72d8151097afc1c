import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { parse } from 'yaml'
import { nodesOf } from '../parse-source.ts'
import type { Snippet } from './snippets.ts'

const TIMEOUT_MS = 60_000

/** How a snippet is tried. */
export type Trial = 'run' | 'config' | 'parse' | 'commands' | 'none'

/**
 * A program that imports Seawall is run, a configuration is loaded, other code is parsed. Of a shell snippet the commands
 * must exist; marked `run`, it is run.
 */
export function trialOf({ language, marks, text }: Snippet): Trial {
  if (language === 'sh') return marks.includes('run') ? 'run' : 'commands'
  if (language === 'yaml') return /^interfaces:/m.test(text) ? 'config' : 'parse'
  if (language === 'ts') {
    if (/\bdefineConfig\(/.test(text)) return 'config'
    return /\bfrom 'seawall/.test(text) && !marks.includes('fragment') ? 'run' : 'parse'
  }
  return language === 'json' ? 'parse' : 'none'
}

/** Tries a snippet, and returns what is wrong with it, or `undefined`. */
export async function trySnippet(root: string, snippet: Snippet): Promise<string | undefined> {
  const trial = trialOf(snippet)
  if (trial === 'run') return snippet.language === 'sh' ? runShell(root, snippet) : runProgram(root, snippet)
  if (trial === 'config') return await loadAsConfig(snippet)
  if (trial === 'parse') return parseProblem(snippet)
  return trial === 'commands' ? unknownCommands(root, snippet) : undefined
}

function runProgram(root: string, snippet: Snippet): string | undefined {
  // Below the root, so that 'seawall' means this package.
  const folder = join(root, 'build/snippets')
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${basename(snippet.file, '.md')}-${snippet.line}.ts`)
  writeFileSync(file, snippet.text)
  return failureOf(root, process.execPath, ['--conditions=seawall-source', '--import', 'tsx', file])
}

function runShell(root: string, snippet: Snippet): string | undefined {
  return failureOf(root, 'bash', [
    '-euo',
    'pipefail',
    '-c',
    `seawall() { npm run --silent seawall -- "$@"; }\n${snippet.text}`,
  ])
}

function failureOf(cwd: string, program: string, args: readonly string[]): string | undefined {
  const run = spawnSync(program, args, { cwd, encoding: 'utf8', timeout: TIMEOUT_MS })
  return run.status === 0 ? undefined : `ended with ${run.signal ?? run.status}: ${run.stdout}${run.stderr}`.trim()
}

async function loadAsConfig(snippet: Snippet): Promise<string | undefined> {
  // Not at the top: the other checks must run in a tree whose configuration code does not load.
  const { ConfigError, formatIssue, loadConfig } = await import('../../src/config/index.ts')
  const folder = mkdtempSync(join(tmpdir(), 'seawall-config-'))
  const file = join(folder, snippet.language === 'ts' ? 'seawall.config.ts' : 'seawall.yaml')
  try {
    writeFileSync(file, snippet.text)
    await loadConfig(file)
    return undefined
  } catch (error) {
    return error instanceof ConfigError ? error.issues.map(formatIssue).join('\n') : String(error)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function parseProblem({ language, text }: Snippet): string | undefined {
  try {
    if (language === 'ts') nodesOf(text)
    else if (language === 'yaml') parse(text)
    else JSON.parse(text)
    return undefined
  } catch (error) {
    return String(error)
  }
}

/** Scripts of package.json and commands of the command line that a shell snippet uses and that do not exist. */
function unknownCommands(root: string, { text }: Snippet): string | undefined {
  const { scripts } = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  const unknown: string[] = []
  for (const [, script] of text.matchAll(/\bnpm run ([\w:-]+)/g))
    if (!(script! in scripts)) unknown.push(`npm run ${script}`)
  const verbs = [...text.matchAll(/^(?:\$ |sudo |npx )*seawall ([a-z]+)/gm)].map((match) => match[1]!)
  const known = verbs.length > 0 ? commandsOfCli(root) : []
  for (const verb of new Set(verbs)) if (!known.includes(verb)) unknown.push(`seawall ${verb}`)
  return unknown.length > 0 ? `no such command: ${unknown.join(', ')}` : undefined
}

const helpTexts = new Map<string, string>()

/** The commands that the help names; asked for once, since starting the command line takes a second. */
function commandsOfCli(root: string): string[] {
  const args = ['--import', 'tsx', 'src/cli/main.ts', '--help']
  const help = helpTexts.get(root) ?? spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' }).stdout
  helpTexts.set(root, help)
  return [...help.matchAll(/^ {2}([a-z]+)\b/gm)].map((match) => match[1]!)
}
