import * as z from 'zod'
import { refuse, strict } from './schema.ts'

/** A name, or a name and how its XDP program is attached: `auto` falls back to generic XDP if the driver has none. */
export type InterfaceConfig = string | { readonly name: string; readonly mode?: 'auto' | 'native' | 'generic' }

export interface DesiredInterface {
  readonly name: string
  /** `auto`: native XDP, or generic where the driver refuses it. */
  readonly mode: 'auto' | 'native' | 'generic'
}

const name = z
  .string({ error: 'the name of a network interface' })
  .regex(/^[^\s/]{1,15}$/, { error: 'the name of a network interface, 1 to 15 characters' })

const interfaceSchema = z.preprocess(
  (value) => (typeof value === 'string' ? { name: value } : value),
  strict(
    { name, mode: z.enum(['auto', 'native', 'generic'], { error: 'auto, native or generic' }).default('auto') },
    'the name of a network interface, or { name, mode }',
  ),
)

export const interfacesSchema = z
  .array(interfaceSchema, { error: "a list of interfaces such as ['eth0']" })
  .min(1, { error: 'at least one interface' })
  .superRefine((all, context) => {
    const seen = new Set<string>()
    for (const [index, one] of all.entries()) {
      if (seen.has(one.name)) refuse(context, [index], 'each interface once', { remedy: 'remove the second' })
      seen.add(one.name)
    }
  })
