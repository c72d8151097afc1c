import { unlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Program } from '../bpf/index.ts'
import { collectGarbage } from '../entry/garbage.ts'
import type { DesiredInterface } from '../entry/interface-config.ts'
import { type Attached, attach, detach, findNewInterfaces, interfaceStatus, pinLink } from '../entry/interfaces.ts'
import { openProgram } from '../entry/open.ts'
import type { Paths } from '../entry/paths.ts'
import { linkPin, listLinks, removePins } from '../entry/pins.ts'
import type { Root } from '../entry/root.ts'
import type { Step } from '../entry/step.ts'
import { u32 } from '../entry/u32.ts'
import { Undo } from '../entry/undo.ts'
import { Stage } from '../generated/entry.ts'
import { type BuildRequest, build } from './build.ts'
import type { Live } from './live.ts'
import type { Manifest } from './manifest.ts'
import { restoreSysctls, setSysctls } from './syn-cookies/sysctls.ts'
import type { InterfaceStatus } from './types.ts'

/**
 * Puts a generation in force. Everything that can fail comes before the swap, which is one write to the program array; whatever
 * fails, the state is as it was. The steps, in this order:
 *
 * 1. build: sets, maps and program are made and pinned in a folder of their own; the verifier has its say.
 * 2. attach: new interfaces get the entry program, not pinned yet, so that they lose it if this process dies.
 * 3. publish: the folder becomes `gen-N`.
 * 4. swap.
 * 5. link, parts, detach, collect: attachments are pinned, what parts have beside the packets' path comes into force, interfaces that
 *    are gone are detached, dead generations removed.
 *
 * A process that dies before 4 leaves the old generation in force, one that dies behind it the new one; the next writer
 * finishes what is left of step 5.
 */
export async function commit(paths: Paths, root: Root, request: BuildRequest, step: Step): Promise<Manifest> {
  findNewInterfaces(paths, request.interfaces, request.live?.manifest.interfaces)
  const undo = new Undo()
  const built = await build(paths, request, step)
  undo.push(() => built.discard())
  let attached: readonly Attached[] = []
  try {
    attached = attachMissing(paths, root.entry, request.interfaces, undo)
    step('attached')
    const folder = built.publish()
    undo.push(() => removePins(folder))
    step('published')
    undo.push(() => restoreStage(root, request.live))
    setStage(root, built.program)
    step('swapped')
    undo.push(() => undoSysctls(paths, request.live?.manifest, built.manifest))
    finishSysctls(paths, built.manifest)
    pinAll(paths, attached, undo)
    step('linked')
    built.partsComeIntoForce()
    step('parts-in-force')
  } catch (error) {
    undo.run()
    throw error
  } finally {
    for (const { link } of attached) link.close()
    built.close()
  }
  cleanUp(paths, built.manifest, step)
  return built.manifest
}

/** Attaches all interfaces that are not attached as they should be, but for those that do not exist any more. */
export function attachMissing(
  paths: Paths,
  entry: Program,
  wanted: readonly DesiredInterface[],
  undo: { push(step: () => void): void },
): Attached[] {
  const missing = interfaceStatus(paths, entry.id, wanted).filter((status, index) => !fits(status, wanted[index]!))
  return missing.flatMap((status) => {
    if (status.ifindex === 0) return []
    const { mode } = wanted.find((one) => one.name === status.name)!
    detach(paths, status.name)
    if (status.attached) undo.push(() => pinLink(paths, attach(paths, entry, status, status.mode)))
    const attached = attach(paths, entry, status, mode)
    undo.push(() => attached.link.close())
    return attached
  })
}

function fits(status: InterfaceStatus, wanted: DesiredInterface): boolean {
  return status.attached && (wanted.mode === 'auto' || wanted.mode === status.mode)
}

function pinAll(paths: Paths, attached: readonly Attached[], undo: Undo): void {
  for (const one of attached) {
    pinLink(paths, one)
    undo.push(() => unlinkSync(linkPin(paths, one.name)))
  }
}

function setStage(root: Root, program: Program): void {
  root.stages.setRaw(u32(Stage.Firewall), u32(program.fd))
}

function restoreStage(root: Root, live: Live | undefined): void {
  if (live === undefined) {
    root.stages.deleteRaw(u32(Stage.Firewall))
    return
  }
  const program = openProgram(join(live.folder, 'firewall'))
  try {
    setStage(root, program)
  } finally {
    program.close()
  }
}

/** Kernel parameters as a generation wants them. */
export function finishSysctls(paths: Paths, { synCookies, restore }: Manifest): void {
  if (synCookies !== undefined) setSysctls(paths, synCookies.before)
  else if (restore !== undefined) restoreSysctls(paths, restore)
}

/** Kernel parameters as they were when another generation failed to come into force. */
function undoSysctls(paths: Paths, live: Manifest | undefined, failed: Manifest): void {
  if (live?.synCookies !== undefined) setSysctls(paths, live.synCookies.before)
  else if (failed.synCookies !== undefined) restoreSysctls(paths, failed.synCookies.before)
}

/** Attaches and pins interfaces that a writer which died had not come to, or that came back. */
export function finishLinks(paths: Paths, entry: Program, wanted: readonly DesiredInterface[]): void {
  const failures = wanted.flatMap((one) => {
    try {
      finishLink(paths, entry, one)
      return []
    } catch (error) {
      return [error]
    }
  })
  if (failures.length > 0) throw failures[0]
}

/** Each by itself: one that cannot be attached must not leave the others open. */
function finishLink(paths: Paths, entry: Program, wanted: DesiredInterface): void {
  const undo = new Undo()
  const attached = attachMissing(paths, entry, [wanted], undo)
  try {
    pinAll(paths, attached, undo)
  } catch (error) {
    undo.run()
    throw error
  } finally {
    for (const { link } of attached) link.close()
  }
}

/** Detaches interfaces and removes generations that the one in force knows nothing of. */
export function cleanUp(paths: Paths, manifest: Manifest, step: Step): void {
  const wanted = new Set(manifest.interfaces.map((one) => one.name))
  for (const name of listLinks(paths)) if (!wanted.has(name)) detach(paths, name)
  step('detached')
  collectGarbage(paths, [manifest.generation, manifest.previous])
  step('collected')
}
