import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import * as z from 'zod'
import { type Binding, readBinding } from '../../dispatch/binding.ts'
import { FLOWS, MISSING, SPREADS } from '../../dispatch/policy.ts'
import { SeawallError } from '../../entry/errors.ts'
import { NetError } from '../../net/errors.ts'
import { formatPrefix, readPrefix } from '../../net/prefix.ts'
import { usageError } from '../exit-codes.ts'

const schema = z.strictObject({
  bindings: z.array(
    z.strictObject({
      label: z.string(),
      prefix: z.string(),
      port: z.union([z.number(), z.string()]),
      protocol: z.enum(['tcp', 'udp']).optional(),
      missing: z.enum(MISSING).optional(),
      spread: z.enum(SPREADS).optional(),
      flows: z.enum(FLOWS).optional(),
      idle: z.string().optional(),
      cookie: z.string().optional(),
    }),
  ),
})

type Item = z.output<typeof schema>['bindings'][number]

/**
 * Reads bindings as tubular writes them: `{"bindings": [{"label", "prefix", "port"}]}`, where port 0 is any, and without a protocol TCP and
 * UDP are meant.
 *
 * @throws SeawallError SEAWALL_INPUT, naming the binding
 */
export function readBindingsFile(cwd: string, path: string): Binding[] {
  const result = schema.safeParse(parse(path, readText(cwd, path)))
  if (result.success) return result.data.bindings.flatMap((item, index) => bindingsOf(path, item, index))
  const [issue] = result.error.issues
  const where = issue!.path.join('.')
  throw usageError(
    `Cannot read "${path}": ${where === '' ? '' : `${where}: `}${issue!.message} (wanted {"bindings": [{"label": "web", "prefix": "192.0.2.0/24", "port": 443}]})`,
  )
}

function bindingsOf(path: string, { label, protocol, prefix, port, ...policy }: Item, index: number): Binding[] {
  const protocols = protocol === undefined ? (['tcp', 'udp'] as const) : [protocol]
  try {
    const words = { label, prefix: masked(prefix), port: `${port}`, ...policy }
    return protocols.map((one) => readBinding({ ...words, protocol: one }))
  } catch (cause) {
    if (!(cause instanceof SeawallError || cause instanceof NetError)) throw cause
    throw usageError(`Cannot read "${path}": bindings.${index}: ${cause.message}`, { cause })
  }
}

/** Host bits are no mistake here: tubular clears them, too. */
const masked = (prefix: string): string => formatPrefix(readPrefix(prefix).prefix)

function readText(cwd: string, path: string): string {
  try {
    return readFileSync(resolve(cwd, path), 'utf8')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw usageError(`Cannot read "${path}": ${code}, wanted a JSON file with bindings (check its path)`, { cause })
  }
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw usageError(`Cannot read "${path}": it is no JSON: ${(cause as Error).message}`, { cause })
  }
}
