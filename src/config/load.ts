import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, extname, join, resolve } from 'node:path'
import type { DesiredBalancer } from '../balancer/desired.ts'
import type { DesiredDispatch } from '../dispatch/desired.ts'
import { toDesired } from '../firewall/config.ts'
import type { Desired } from '../firewall/desired.ts'
import type { Document } from './document.ts'
import { ConfigError } from './issue.ts'
import { placeIssues } from './place-issues.ts'
import { configSchema } from './schema.ts'

export interface LoadedConfig {
  /** Absolute path of the configuration. */
  readonly path: string
  /** The configuration and the set files it names, absolute: whoever keeps up with changes watches these. */
  readonly files: readonly string[]
  /** Of what it means for the data plane, without the contents of set files. */
  readonly digest: string
  readonly desired: Desired
  /** Absent where nothing is balanced. */
  readonly balancer?: DesiredBalancer
  /** Absent where nothing is dispatched. */
  readonly dispatch?: DesiredDispatch
  readonly metrics?: { readonly listen: string }
  readonly api: { readonly socket: string }
}

/** Names that are looked for in a folder, the first found wins. */
export const CONFIG_NAMES = [
  'seawall.config.ts',
  'seawall.config.mts',
  'seawall.config.js',
  'seawall.config.mjs',
  'seawall.yaml',
  'seawall.yml',
  'seawall.json',
]

/** The configuration of a folder, if there is one. */
export function findConfig(folder: string): string | undefined {
  return CONFIG_NAMES.map((name) => resolve(folder, name)).find(existsSync)
}

/**
 * Reads and checks a configuration without touching the kernel. Paths in it count from its own folder.
 *
 * @throws ConfigError with all that is wrong in it.
 */
export async function loadConfig(path: string): Promise<LoadedConfig> {
  const file = resolve(path)
  const document = await readDocument(file, await readText(file))
  const parsed = configSchema.safeParse(document.value)
  if (!parsed.success) throw new ConfigError(placeIssues(file, document, parsed.error.issues))
  const { interfaces, firewall, balancer, dispatch, metrics, api } = parsed.data
  const desired = toDesired(interfaces, firewall, dirname(file))
  const setFiles = [...desired.sets.values()].flatMap((source) => (source.kind === 'file' ? [source.path] : []))
  return {
    path: file,
    files: [file, ...setFiles],
    digest: digestOf(desired, balancer, dispatch),
    desired,
    ...(balancer === undefined ? {} : { balancer }),
    ...(dispatch === undefined ? {} : { dispatch }),
    ...(metrics === undefined ? {} : { metrics }),
    api,
  }
}

/** A digest of what shall be, the same whenever that is. */
export function digestOf(desired: Desired, balancer?: DesiredBalancer, dispatch?: DesiredDispatch): string {
  const text = JSON.stringify({ ...desired, sets: [...desired.sets], balancer, dispatch }, (_, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`
    return value instanceof Uint8Array ? [...value] : value
  })
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const remedy =
      code === 'ENOENT' ? `write one, for example ${join(dirname(file), CONFIG_NAMES[0]!)}` : 'check its path'
    throw new ConfigError([{ file, path: '', found: code ?? 'an error', wanted: 'a file that can be read', remedy }], {
      cause,
    })
  }
}

/** What reads a kind of file is loaded with the first one: most commands read none, and it takes longer than they run. */
async function readDocument(file: string, text: string): Promise<Document> {
  const kind = extname(file)
  if (['.ts', '.mts', '.js', '.mjs'].includes(kind)) {
    const { readTypescript } = await import('./read-typescript.ts')
    return readTypescript(file, text)
  }
  if (['.yaml', '.yml', '.json'].includes(kind)) {
    const { readYaml } = await import('./read-yaml.ts')
    return readYaml(file, text)
  }
  throw new ConfigError([
    { file, path: '', found: `a file with extension "${kind}"`, wanted: '.ts, .mts, .js, .mjs, .yaml, .yml or .json' },
  ])
}
