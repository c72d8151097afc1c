import type { z } from 'zod'
import { Fields } from '../entry/fields.ts'
import { type At, isObject, refuse } from '../entry/schema.ts'
import { type Address, formatAddress, tryParseAddress } from '../net/address.ts'
import { prefixOf } from '../net/prefix.ts'
import { idPattern } from '../rules/rule-defaults.ts'
import type { DesiredBackend } from './desired.ts'
import { limits } from './limits.ts'
import { serverIdOf } from './server-id.ts'
import { whyUnusable } from './unusable.ts'

/** Where packets for a server are sent, alone or with what else is to say of it. */
export type BackendConfig =
  | string
  | {
      readonly address: string
      /** Its share of the flows in proportion to the weights of the others, 1 if absent; 0 drains it. */
      readonly weight?: number
      /** Marks the QUIC connection ids that it gives out, 0 to 65,535; made of its name if absent. */
      readonly serverId?: number
    }

const WEIGHTS = { from: 0, to: 1_000_000, fractions: true }
const SERVER_IDS = { from: 0, to: 65_535 }
const EXAMPLE = '{ edge1: "10.0.1.2", edge2: "10.0.1.3" }'

/** Reads backends; one that cannot be read still has a name that services may use. */
export function readBackends(
  context: z.RefinementCtx,
  value: unknown,
): ReadonlyMap<string, DesiredBackend | undefined> {
  const backends = new Map<string, DesiredBackend | undefined>()
  if (!isObject(value)) {
    refuse(context, ['backends'], `an object of backends, such as ${EXAMPLE}`)
    return backends
  }
  const names = Object.keys(value)
  if (names.length === 0 || names.length > limits.backends)
    refuse(context, ['backends'], `1 to ${limits.backends} backends`, { found: `${names.length}` })
  for (const name of names) {
    refuseName(context, ['backends', name])
    backends.set(name, readBackend(context, name, value[name]))
  }
  refuseTwins(context, value, backends)
  return backends
}

/** `at` ends with the name. */
export function refuseName(context: z.RefinementCtx, at: readonly string[]): void {
  const name = at.at(-1)!
  if (idPattern.test(name) && !/^\d+$/.test(name)) return
  const wanted = 'a name of letters, digits, ".", "_" and "-", at most 63 characters, not of digits alone'
  refuse(context, at, wanted, { key: true, found: `"${name}"` })
}

function readBackend(context: z.RefinementCtx, name: string, value: unknown): DesiredBackend | undefined {
  const at = ['backends', name]
  if (typeof value === 'string') {
    const address = readAddress(context, value, at)
    return address && { name, address, weight: 1, serverId: serverIdOf(name) }
  }
  if (!isObject(value))
    return void refuse(context, at, 'an address such as "10.0.1.2", or { address, weight, serverId }')
  const fields = new Fields(context, value, ['address', 'weight', 'serverId'], at)
  const address = readAddress(context, value.address, [...at, 'address'])
  const weight = fields.number('weight', WEIGHTS, 1)
  const serverId = fields.number('serverId', SERVER_IDS, serverIdOf(name))
  return address === undefined || fields.failed ? undefined : { name, address, weight, serverId }
}

export function readAddress(context: z.RefinementCtx, value: unknown, at: At): Address | undefined {
  const address = typeof value === 'string' ? tryParseAddress(value) : undefined
  if (address === undefined) return void refuse(context, at, 'an address such as "10.0.1.2" or "fd00::2"')
  const remedy = whyUnusable(prefixOf(address, address.family === 4 ? 32 : 128))
  if (remedy === undefined) return address
  return void refuse(context, at, 'an address that other machines can send packets to', { remedy })
}

/** Two backends of one address, or of one server id. */
function refuseTwins(
  context: z.RefinementCtx,
  value: Readonly<Record<string, unknown>>,
  backends: ReadonlyMap<string, DesiredBackend | undefined>,
): void {
  const byAddress = new Map<string, string>()
  const byServerId = new Map<number, string>()
  for (const backend of backends.values()) {
    if (backend === undefined) continue
    const { name, serverId } = backend
    const address = formatAddress(backend.address)
    const place = (key: string): At => (isObject(value[name]) && key in value[name] ? [key] : [])
    const sameAddress = byAddress.get(address)
    if (sameAddress !== undefined)
      refuse(context, ['backends', name, ...place('address')], `another address than that of ${sameAddress}`, {
        remedy: 'backends are different machines',
      })
    const sameId = byServerId.get(serverId)
    if (sameId !== undefined)
      refuse(context, ['backends', name, ...place('serverId')], `another server id than that of ${sameId}`, {
        found: `server id ${serverId}${place('serverId').length > 0 ? '' : ', which is made of its name'}`,
        remedy: 'set serverId of one of them to a number that no other has',
      })
    byAddress.set(address, sameAddress ?? name)
    byServerId.set(serverId, sameId ?? name)
  }
}
