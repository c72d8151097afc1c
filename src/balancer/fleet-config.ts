import type { z } from 'zod'
import { Fields } from '../entry/fields.ts'
import { isObject, refuse } from '../entry/schema.ts'
import { formatAddress } from '../net/address.ts'
import { readAddress, refuseName } from './backend-config.ts'
import type { DesiredBackend, DesiredFleet, DesiredMachine } from './desired.ts'
import { limits } from './limits.ts'

/** Machines that tell each other their tables. */
export interface FleetConfig {
  /** TCP port that agents answer each other on, 9436 if absent. */
  readonly port?: number
  /** Addresses, by name, of machines that balance but are no backends. Backends come before them when it is chosen who decides. */
  readonly balancers?: Readonly<Record<string, string>>
  /** False if backends run no Seawall: then balancers alone decide. */
  readonly backends?: boolean
}

const PORTS = { from: 1, to: 65_535 }
const EXAMPLE = '{ lb1: "10.0.9.1", lb2: "10.0.9.2" }'

export function readFleet(
  context: z.RefinementCtx,
  value: unknown,
  backends: readonly DesiredBackend[],
): DesiredFleet | undefined {
  if (value === undefined) return undefined
  if (!isObject(value)) return void refuse(context, ['fleet'], 'an object such as { port: 9436 }')
  const fields = new Fields(context, value, ['port', 'balancers', 'backends'], ['fleet'])
  const balancers = fields.has('balancers') ? readBalancers(context, fields.get('balancers'), backends) : []
  fields.flag('backends')
  const isOfBalancers = fields.get('backends') === false
  if (isOfBalancers && balancers.length === 0)
    fields.refuse(['backends'], 'true, or balancers that decide instead', { remedy: `add balancers: ${EXAMPLE}` })
  return {
    port: fields.number('port', PORTS, 9436),
    ...(balancers.length > 0 && { balancers }),
    ...(isOfBalancers && { isOfBalancers }),
  }
}

function readBalancers(
  context: z.RefinementCtx,
  value: unknown,
  backends: readonly DesiredBackend[],
): readonly DesiredMachine[] {
  const at = ['fleet', 'balancers']
  const names = isObject(value) ? Object.keys(value) : []
  if (!isObject(value) || names.length === 0 || names.length > limits.backends) {
    refuse(context, at, `1 to ${limits.backends} machines by name, such as ${EXAMPLE}`)
    return []
  }
  const owners = new Map(backends.map(({ name, address }) => [formatAddress(address), name]))
  return names.flatMap((name) => {
    refuseName(context, [...at, name])
    if (backends.some((backend) => backend.name === name))
      refuse(context, [...at, name], 'a name that no backend has', { key: true, found: `"${name}"` })
    const read = readAddress(context, value[name], [...at, name])
    if (read === undefined) return []
    const address = formatAddress(read)
    const owner = owners.get(address)
    if (owner !== undefined)
      refuse(context, [...at, name], `another address than that of ${owner}`, { remedy: 'name each machine once' })
    owners.set(address, owner ?? name)
    return [{ name, address }]
  })
}
