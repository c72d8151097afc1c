import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type BpfMap, load, Program } from '../../bpf/index.ts'
import { Handles } from '../../entry/handles.ts'
import { openMap } from '../../entry/open.ts'
import { listFolder, writing } from '../../entry/pins.ts'
import { u32 } from '../../entry/u32.ts'
import { cookies } from '../../generated/cookies.ts'
import type { LiveDispatch } from '../live.ts'
import { groupMaps } from '../quic-groups.ts'
import { parseCookieProgram } from './program-text.ts'
import { emitReader } from './reader.ts'

/** Folder of maps in the state, as other groups have none. */
const COOKIES = 'cookies'

/** Begins the names of maps that lead from the program of a label's groups to the one that chooses. */
const NEXT = 'next-'

/** What the program for a label needs to know. */
export interface CookieLabel {
  readonly label: string
  /** The classic program. */
  readonly text: string
  /** Whether the kernel chooses where no socket works. */
  readonly passes: boolean
  readonly destination4: number
  readonly destination6: number
}

/** The map of cookies, which all labels share. */
export const openCookies = (live: LiveDispatch): BpfMap => openMap(join(live.state, COOKIES, 'cookies'))

/**
 * Loads the programs that read the cookies of a label: one made of its classic program, which is for groups, and the one that it goes on with.
 * The map that leads from one to the other stays the label's, so that groups which have an older one go on as well.
 *
 * @throws VerifierError, BpfError
 */
export async function loadCookieProgram(
  live: LiveDispatch,
  { label, text, passes, ...destinations }: CookieLabel,
): Promise<{ readonly fd: number; readonly close: () => void }> {
  const folder = join(live.state, COOKIES)
  if (!existsSync(folder)) writing(`make the folder "${folder}"`, () => mkdirSync(folder, { mode: 0o700 }))
  removeUnused(folder, [label, ...live.directory.labels.map((one) => one.label)])
  const pins = { cookies: 'cookies', cookieRead: 'cookie_read', nextProgram: nextPin(label) }
  const handles = new Handles()
  try {
    const known = Object.entries(pins).filter(([, pin]) => existsSync(join(folder, pin)))
    const own = Object.fromEntries(known.map(([key, pin]) => [key, handles.keep(openMap(join(folder, pin)))]))
    const loaded = handles.keep(
      await load(cookies, {
        config: { ...destinations, passes: passes ? 1 : 0 },
        reuse: { ...groupMaps(live), ...own },
      }),
    )
    const { object, programs } = loaded
    const maps = { cookies: 'cookies', cookieRead: 'cookie_read', nextProgram: 'next_program' } as const
    for (const [key, pin] of Object.entries(pins)) {
      if (own[key] !== undefined) continue
      writing(`pin "${pin}"`, () => object.map(maps[key as keyof typeof maps]).pin(join(folder, pin)))
    }
    object.map('next_program').setRaw(u32(0), u32(programs.steerCookie.fd))
    const [read, next] = [object.map('cookie_read').fd, object.map('next_program').fd]
    const instructions = emitReader(parseCookieProgram(text), { cookie_read: read, next_program: next })
    const reader = await Program.load({
      type: 'sk_reuseport',
      name: 'read_cookie',
      license: 'Dual BSD/GPL',
      instructions,
      expectedAttachType: 'sk_reuseport_select',
    })
    return { fd: reader.fd, close: () => reader.close() }
  } finally {
    handles.close()
  }
}

/** Of labels that are there no more. */
function removeUnused(folder: string, labels: readonly string[]): void {
  const used = new Set(labels.map(nextPin))
  for (const name of listFolder(folder))
    if (name.startsWith(NEXT) && !used.has(name)) writing(`remove "${name}"`, () => rmSync(join(folder, name)))
}

const nextPin = (label: string): string => `${NEXT}${createHash('sha256').update(label).digest('hex').slice(0, 16)}`
