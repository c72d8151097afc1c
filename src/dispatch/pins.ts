import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openLink, openMap } from '../entry/open.ts'
import type { Paths } from '../entry/paths.ts'
import { listFolder, prepareFolderBeside, removePins, writing } from '../entry/pins.ts'
import { netnsInode, netnsPath } from '../linux/netns.ts'
import { closeGroups } from './quic-groups.ts'

/** A folder of its own: sockets cannot be put into a new map without their processes, so they outlive every generation. */
export const dispatchFolder = (paths: Paths): string => `${paths.bpf}-dispatch`

/** State of each network namespace by itself. */
export const stateFolder = (paths: Paths): string => join(dispatchFolder(paths), `net-${netnsInode(paths.netns)}`)

/** Without its network namespace nothing is in force, and nothing can be. */
export const hasNetns = ({ netns }: Paths): boolean => existsSync(netnsPath(netns))

export const LINK = 'link'
/** Folder of the programs that note flows when servers answer, and their links. */
export const ANSWERS = 'answers'
export const SENDMSG4 = 'sendmsg4'
export const SENDMSG6 = 'sendmsg6'
/** Folder of the programs that answer socket options of udpgrm, and their links. */
export const UDPGRM = 'udpgrm'
export const SETSOCKOPT = 'setsockopt'
export const GETSOCKOPT = 'getsockopt'
const LINKS = [
  LINK,
  join(ANSWERS, SENDMSG4),
  join(ANSWERS, SENDMSG6),
  join(UDPGRM, SETSOCKOPT),
  join(UDPGRM, GETSOCKOPT),
]
const GROUPS = 'quic_groups'
export const setFolder = (state: string, number: number): string => join(state, `set-${number}`)

/** Begins the names of folders that are not finished. */
const UNFINISHED = 'tmp-'

/**
 * Makes sure that there is a folder, with nothing in it that a writer that died left unfinished. Only for who has the lock.
 *
 * @throws SeawallError SEAWALL_BPFFS; LinuxError NETNS_MISSING
 */
export function prepareDispatchFolder(paths: Paths): void {
  // So that nothing is made for a network namespace that is not there.
  netnsInode(paths.netns)
  prepareFolderBeside(dispatchFolder(paths))
  collectLeftovers(paths)
}

/** Numbers of the sets that are there, in force or not. */
export function listSets(state: string): number[] {
  return listFolder(state)
    .flatMap((name) => /^set-(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
}

/** A new folder to build in, out of sight of readers. */
export function makeStaging(parent: string): string {
  const path = join(parent, `${UNFINISHED}${process.pid}`)
  return writing(`make the folder "${path}"`, () => {
    mkdirSync(path, { mode: 0o700 })
    return path
  })
}

/** Removes what a writer that died left unfinished, and the state of network namespaces that are gone. */
function collectLeftovers(paths: Paths): void {
  const folder = dispatchFolder(paths)
  for (const name of listFolder(folder)) {
    const path = join(folder, name)
    if (name.startsWith(UNFINISHED) || !isAttached(path)) removePins(path)
    else for (const inner of listFolder(path)) if (inner.startsWith(UNFINISHED)) removePins(join(path, inner))
  }
}

/** Detaches the program and removes all state of the network namespace. False if there was none. */
export function removeState(paths: Paths): boolean {
  const state = stateFolder(paths)
  const there = existsSync(state)
  for (const pin of LINKS) detachLink(join(state, pin))
  leaveGroups(state)
  removePins(state)
  if (listFolder(dispatchFolder(paths)).length === 0) removePins(dispatchFolder(paths))
  return there
}

/** Whether its program is attached to the network namespace that the state is named after. */
export function isAttached(state: string): boolean {
  if (!listFolder(state).includes(LINK)) return false
  const link = openLink(join(state, LINK))
  try {
    return state.endsWith(`/net-${link.info().netns}`)
  } finally {
    link.close()
  }
}

/** Programs stay with groups of sockets that others have open: from now on they leave the choice to the kernel. */
function leaveGroups(state: string): void {
  if (!listFolder(state).includes(GROUPS)) return
  const groups = openMap(join(state, GROUPS))
  try {
    closeGroups(groups)
  } finally {
    groups.close()
  }
}

/** A link whose pin is removed is detached by the kernel some time later. Does nothing if there is none. */
export function detachLink(pin: string): void {
  if (!existsSync(pin)) return
  const link = openLink(pin)
  try {
    link.detach()
  } finally {
    link.close()
  }
}
