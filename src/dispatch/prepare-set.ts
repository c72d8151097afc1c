import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { openLink } from '../entry/open.ts'
import type { Paths } from '../entry/paths.ts'
import { removePins, writing } from '../entry/pins.ts'
import type { Step } from '../entry/step.ts'
import { withNetns } from '../linux/netns.ts'
import { noteAnswers, type PreparedAnswers, prepareAnswers } from './answers.ts'
import { buildSet, type LoadedSet } from './build-set.ts'
import type { ActiveBinding } from './desired.ts'
import { clearNew, pruned } from './destinations.ts'
import { type Directory, destinationOf, emptyDirectory, enrol, writeDirectory } from './directory.ts'
import { LASTING, LiveDispatch } from './live.ts'
import { dispatchFolder, LINK, listSets, makeStaging, setFolder, stateFolder } from './pins.ts'
import { noteIdles } from './quic-groups.ts'
import { type PreparedUdpgrm, prepareUdpgrm, type UdpgrmWish } from './udpgrm/hooks.ts'

/** A set that was made aside, and is in force once that is said. */
export interface PreparedSet {
  /** Puts it into the place of the one in force: by one write, which comes last of what can fail. */
  commit(): void
  /** Throws it away, unless it is in force. Does nothing the second time. */
  close(): void
}

type Bindings = readonly ActiveBinding[]

/**
 * Makes a set of bindings, which have no conflicts, and what answers options of udpgrm if that is said. Nothing that is in force changes. Only
 * for who has the lock, until it is closed.
 */
export async function prepareSet(paths: Paths, wanted: Bindings, step: Step, wish?: UdpgrmWish): Promise<PreparedSet> {
  const live = LiveDispatch.find(paths)
  if (live === undefined) return await prepareFirst(paths, wanted, step, wish)
  try {
    return await prepareNext(paths, live, wanted, step, wish)
  } catch (error) {
    live.close()
    throw error
  }
}

/**
 * Puts bindings, which have no conflicts, into force in the place of all there are: who looks sees the old ones or the new. Whatever
 * fails, the bindings are as they were. Only for who has the lock.
 */
export async function replaceSet(paths: Paths, wanted: Bindings, step: Step): Promise<void> {
  const prepared = await prepareSet(paths, wanted, step)
  try {
    prepared.commit()
  } finally {
    prepared.close()
  }
}

/** All state is made in one folder, that is not where anybody looks. A process that dies leaves no attachment that outlasts the next change. */
async function prepareFirst(paths: Paths, wanted: Bindings, step: Step, wish: UdpgrmWish): Promise<PreparedSet> {
  const directory = enrol(emptyDirectory, wanted.map(destinationOf))
  const staging = makeStaging(dispatchFolder(paths))
  try {
    const { loaded, answers, options } = await buildIn(staging, 1, { paths, wanted, directory, wish })
    step('built')
    return {
      commit() {
        for (const name of LASTING) writing(`pin map "${name}"`, () => loaded.object.map(name).pin(join(staging, name)))
        writeDirectory(staging, directory)
        answers?.attach(staging)
        noteAnswers(staging, wanted, directory)
        noteIdles(loaded.maps.quicGroups.map, wanted, directory)
        options?.commit(staging)
        attach(paths, loaded, staging)
        step('attached')
        const state = stateFolder(paths)
        writing(`make the folder "${state}"`, () => renameSync(staging, state))
        step('swapped')
      },
      close() {
        answers?.close()
        options?.close()
        loaded.close()
        removePins(staging)
      },
    }
  } catch (error) {
    removePins(staging)
    throw error
  }
}

function attach(paths: Paths, { programs }: LoadedSet, staging: string): void {
  const link = withNetns(paths.netns, (netns) => programs.dispatch.attachSkLookup(netns))
  try {
    writing('pin the link', () => link.pin(join(staging, LINK)))
  } finally {
    link.close()
  }
}

async function prepareNext(
  paths: Paths,
  live: LiveDispatch,
  wanted: Bindings,
  step: Step,
  wish: UdpgrmWish,
): Promise<PreparedSet> {
  const before = live.directory
  const directory = enrol(before, wanted.map(destinationOf))
  const number = Math.max(...listSets(live.state)) + 1
  const staging = makeStaging(live.state)
  try {
    const { loaded, answers, options } = await buildIn(staging, number, {
      paths,
      wanted,
      directory,
      before: live,
      wish,
    })
    step('built')
    return {
      commit() {
        clearNew(live, before, directory)
        if (directory !== before) writeDirectory(live.state, directory)
        noteIdles(live.lasting('quic_groups'), wanted, directory)
        step('enrolled')
        answers?.attach(live.state)
        // Nobody looks at what is noted too early.
        noteAnswers(live.state, [...live.manifest.bindings, ...wanted], directory)
        options?.commit(live.state)
        try {
          publish(live, loaded, staging, number, step)
        } catch (error) {
          options?.undo(live.state)
          throw error
        }
        noteAnswers(live.state, wanted, directory)
        cleanUp(live, wanted, directory, number)
      },
      close() {
        answers?.close()
        options?.close()
        loaded.close()
        removePins(staging)
        live.close()
      },
    }
  } catch (error) {
    removePins(staging)
    throw error
  }
}

interface Building {
  readonly paths: Paths
  readonly wanted: Bindings
  readonly directory: Directory
  readonly before?: LiveDispatch
  readonly wish: UdpgrmWish
}

interface Built {
  readonly loaded: LoadedSet
  readonly answers: PreparedAnswers | undefined
  /** What answers options of udpgrm. */
  readonly options: PreparedUdpgrm | undefined
}

/** The set's folder is made in another, so that it moves with one rename, and with it what it is in can move as well. */
async function buildIn(
  staging: string,
  number: number,
  { paths, wanted, directory, before, wish }: Building,
): Promise<Built> {
  const folder = setFolder(staging, number)
  writing(`make the folder "${folder}"`, () => mkdirSync(folder, { mode: 0o700 }))
  const loaded = await buildSet(folder, wanted, directory, before)
  try {
    const options = await prepareUdpgrm(paths.netns, loaded, wish, before?.state)
    return { loaded, answers: await prepareAnswers(loaded, wanted, before?.state), options }
  } catch (error) {
    loaded.close()
    throw error
  }
}

function publish(live: LiveDispatch, { programs }: LoadedSet, staging: string, number: number, step: Step): void {
  const folder = setFolder(live.state, number)
  writing(`make the folder "${folder}"`, () => renameSync(setFolder(staging, number), folder))
  step('published')
  const link = openLink(join(live.state, LINK))
  try {
    link.update(programs.dispatch)
  } catch (error) {
    removePins(folder)
    throw error
  } finally {
    link.close()
  }
  step('swapped')
}

/** Removes all but the set in force, and destinations that nothing leads to. */
function cleanUp(live: LiveDispatch, wanted: Bindings, directory: Directory, number: number): void {
  for (const other of listSets(live.state)) if (other !== number) removePins(setFolder(live.state, other))
  writeDirectory(live.state, pruned(live, directory, wanted))
}
