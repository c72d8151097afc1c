import { isAbsolute } from 'node:path'
import * as z from 'zod'
import { balancerSchema } from '../balancer/config.ts'
import { dispatchSchema } from '../dispatch/config.ts'
import { interfacesSchema } from '../entry/interface-config.ts'
import { strict } from '../entry/schema.ts'
import { firewallSchema } from '../firewall/config.ts'

export const DEFAULT_SOCKET = '/run/seawall/seawall.sock'

const listen = z
  .string({ error: 'an address and port such as 127.0.0.1:9435' })
  .refine(isListen, { error: 'an address and port such as 127.0.0.1:9435 or [::1]:9435' })

const socket = z
  .string({ error: `the path of a Unix socket such as ${DEFAULT_SOCKET}` })
  .refine((path) => isAbsolute(path) && path.length < 108, { error: 'an absolute path of at most 107 characters' })

/** The document: what belongs to a capability is described in its folder. */
export const configSchema = strict(
  {
    interfaces: interfacesSchema,
    firewall: firewallSchema,
    balancer: balancerSchema.optional(),
    dispatch: dispatchSchema.optional(),
    metrics: strict({ listen }, 'an object such as { listen: "127.0.0.1:9435" }').optional(),
    api: strict({ socket }, `an object such as { socket: "${DEFAULT_SOCKET}" }`).default({ socket: DEFAULT_SOCKET }),
  },
  'an object with interfaces and firewall',
)

function isListen(text: string): boolean {
  const match = /^(?:\[[0-9a-fA-F:.]+\]|[^:[\]]+):(\d{1,5})$/.exec(text)
  return match !== null && Number(match[1]) <= 65_535
}
