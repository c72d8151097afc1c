import { closeSync, existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { detachFilter } from '../../bpf/ffi/socket.ts'
import { SeawallError } from '../../entry/errors.ts'
import { takeLock } from '../../entry/lock.ts'
import { openMap } from '../../entry/open.ts'
import type { Paths } from '../../entry/paths.ts'
import { prepareFolderBeside, removePins, writing } from '../../entry/pins.ts'
import { preflight } from '../../entry/preflight.ts'
import { LinuxError } from '../../linux/errors.ts'
import { findSockets, openSocket, type SocketSelection, socketPlaces } from '../../linux/process-sockets.ts'
import type { Desired } from '../desired.ts'
import { filter, refuseFiltered } from './filter.ts'
import { readSocketCounters, type SocketCounters } from './socket-counters.ts'
import type { AttachedSocket, SocketManifest } from './socket-manifest.ts'
import {
  attachmentFolder,
  listAttachmentNames,
  pinAttachment,
  readSocketManifest,
  socketsFolder,
} from './socket-pins.ts'
import { SocketRules } from './socket-rules.ts'

export interface AttachRequest {
  /** Letters, digits, `_` and `-`, at most 63. */
  readonly name: string
  readonly rules: Pick<Desired, 'rules' | 'sets' | 'malformed'>
  readonly sockets: Omit<SocketSelection, 'netns'>
}

/** Rules in front of sockets of other processes. */
export interface SocketAttachment extends Omit<SocketManifest, 'layout' | 'rules' | 'sockets'> {
  readonly sockets: readonly (AttachedSocket & { readonly open: boolean })[]
  readonly counters: SocketCounters
}

/** How long a change waits for another, milliseconds. */
const WAIT_MS = 1_000

/**
 * Puts rules in front of sockets of running processes. They stay when this process ends, and end with the sockets.
 *
 * @throws SeawallError SEAWALL_INPUT if there are no such sockets, or the name or a socket has rules already; else nothing has changed
 */
export async function attachToSockets(paths: Paths, request: AttachRequest): Promise<SocketAttachment> {
  return changing(paths, async () => {
    prepareFolderBeside(socketsFolder(paths))
    refuseTakenName(paths, request.name)
    const sockets = select(paths, request.sockets)
    const rules = await SocketRules.load(request.rules)
    try {
      const staging = pinAttachment(paths, rules, manifestOf(request, rules, sockets))
      try {
        attachAll(rules, sockets)
        publish(paths, staging, request.name)
      } catch (error) {
        takeAway(paths, staging)
        throw error
      }
    } finally {
      rules.close()
    }
    return readAttachment(paths, request.name, socketPlaces())
  })
}

/** All that is attached, by name. */
export function listAttachments(paths: Paths): SocketAttachment[] {
  const places = socketPlaces()
  return listAttachmentNames(paths).map((name) => readAttachment(paths, name, places))
}

/** What came for all that is attached. Does not look for the sockets, so it costs the same for one and for many. */
export function attachmentCounters(paths: Paths): Pick<SocketAttachment, 'name' | 'counters'>[] {
  return listAttachmentNames(paths).map((name) => {
    const folder = attachmentFolder(paths, name)
    return { name, counters: countersIn(folder, readSocketManifest(folder)) }
  })
}

/**
 * Takes rules away again. Sockets that are closed, and processes that have ended, are no mistake.
 *
 * @throws SeawallError SEAWALL_INPUT if nothing has this name
 */
export async function detachFromSockets(paths: Paths, name: string): Promise<SocketAttachment> {
  return changing(paths, async () => {
    const before = readAttachment(paths, name, socketPlaces())
    takeAway(paths, name)
    return before
  })
}

async function changing<T>(paths: Paths, work: () => Promise<T>): Promise<T> {
  preflight()
  const lock = await takeLock(paths.run, 'lock', WAIT_MS)
  try {
    for (const name of listAttachmentNames(paths, true)) takeAway(paths, name)
    return await work()
  } finally {
    lock.release()
  }
}

function refuseTakenName(paths: Paths, name: string): void {
  if (!/^(?!tmp-)[A-Za-z0-9][\w-]{0,62}$/.test(name))
    throw input(`Cannot attach as "${name}": wanted a name of letters, digits, "_" and "-", at most 63`)
  if (existsSync(attachmentFolder(paths, name)))
    throw input(`Cannot attach as "${name}": there is such a name [seawall detach ${name} first, or use --name]`)
}

const input = (message: string): SeawallError => new SeawallError('SEAWALL_INPUT', message)

function select(paths: Paths, selection: AttachRequest['sockets']): AttachedSocket[] {
  const found = findSockets({ netns: paths.netns, ...selection })
  if (found.length === 0) {
    const wanted = Object.entries(selection).map(([key, value]) => `${key} ${[...new Set([value].flat())].join('-')}`)
    throw input(
      `Cannot find a socket with ${wanted.join(', ')}: wanted an open UDP or waiting TCP socket [see ss -lntup]`,
    )
  }
  const taken = new Map(
    listAttachmentNames(paths).flatMap((name) =>
      readSocketManifest(attachmentFolder(paths, name)).sockets.map(({ inode }): [number, string] => [inode, name]),
    ),
  )
  for (const { inode, pid, fd } of found) {
    const name = taken.get(inode)
    if (name === undefined) continue
    throw input(
      `Cannot attach to socket ${fd} of process ${pid}: it has the rules of "${name}" [seawall detach ${name} first]`,
    )
  }
  // Before anything is attached, so that taking it away again never takes another's.
  for (const socket of found) unlessGone(() => withSocket(socket, refuseFiltered))
  return found.map(({ state: _, ...socket }) => socket)
}

function manifestOf({ name }: AttachRequest, rules: SocketRules, sockets: readonly AttachedSocket[]): SocketManifest {
  const attachedAt = new Date().toISOString()
  return { layout: 1, name, attachedAt, malformed: rules.malformed, rules: rules.rules, sockets }
}

/** A socket that is closed meanwhile needs no rules any more, but one must be left. */
function attachAll(rules: SocketRules, sockets: readonly AttachedSocket[]): void {
  const gone = sockets.flatMap((socket) => unlessGone(() => withSocket(socket, (fd) => void filter(rules, fd))) ?? [])
  if (gone.length === sockets.length) throw gone[0]
}

/** Returns the error of a socket or process that is gone. */
function unlessGone(work: () => void): LinuxError | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof LinuxError && (error.code === 'PROCESS_GONE' || error.code === 'SOCKET_GONE')) return error
    throw error
  }
}

function withSocket(socket: Pick<AttachedSocket, 'pid' | 'fd' | 'inode'>, work: (fd: number) => void): void {
  const fd = openSocket(socket)
  try {
    work(fd)
  } finally {
    closeSync(fd)
  }
}

function publish(paths: Paths, staging: string, name: string): void {
  const folder = attachmentFolder(paths, name)
  writing(`make the folder "${folder}"`, () => renameSync(attachmentFolder(paths, staging), folder))
}

/** By now, a process may have given its socket to another, or have another number for it. */
function takeAway(paths: Paths, name: string): void {
  const folder = attachmentFolder(paths, name)
  const places = socketPlaces()
  for (const { inode } of existsSync(join(folder, 'manifest')) ? readSocketManifest(folder).sockets : []) {
    const place = places.get(inode)
    if (place !== undefined) unlessGone(() => withSocket({ ...place, inode }, detachFilter))
  }
  removePins(folder)
}

function readAttachment(paths: Paths, name: string, places: ReturnType<typeof socketPlaces>): SocketAttachment {
  const folder = attachmentFolder(paths, name)
  if (!existsSync(folder))
    throw input(`Cannot find "${name}": no rules in front of sockets have this name [seawall sockets]`)
  const manifest = readSocketManifest(folder)
  const { attachedAt, malformed } = manifest
  const sockets = manifest.sockets.map((socket) => ({ ...socket, open: places.has(socket.inode) }))
  return { name, attachedAt, malformed, sockets, counters: countersIn(folder, manifest) }
}

function countersIn(folder: string, { rules, malformed }: SocketManifest): SocketCounters {
  const map = openMap(join(folder, 'counters'))
  try {
    return readSocketCounters(map, rules, malformed)
  } finally {
    map.close()
  }
}
