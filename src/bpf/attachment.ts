import { fstatSync } from 'node:fs'
import * as libbpf from './ffi/libbpf.ts'
import { attachFilter, detachFilter } from './ffi/socket.ts'
import * as trafficControl from './ffi/traffic-control.ts'
import { ATTACH_TYPES, type AttachType } from './kinds.ts'
import type { Attachable } from './link.ts'
import type { BpfMap } from './map.ts'
import { check } from './result.ts'

/** A program at a place that knows no links: it stays there until `close()`, or until the place itself is gone. */
export interface Attachment extends Disposable {
  /** Takes the program away. Does nothing the second time. */
  close(): void
}

/** Attaches to a map of sockets. Program and map may be closed first. */
export function attachToSocketMap(
  program: Attachable & { clone(): Attachable & Disposable },
  map: BpfMap,
  type: AttachType,
): Attachment {
  const number = ATTACH_TYPES[type]
  const result = libbpf.programAttach(program.fd, map.fd, number, 0)
  check(result, `attach program "${program.name}" to map "${map.name}" as ${type}`)
  const [own, place] = [program.clone(), map.clone()]
  return once(() => {
    libbpf.programDetach(own.fd, place.fd, number)
    own[Symbol.dispose]()
    place.close()
  })
}

/** Makes the program the filter of a socket, in the place of the one it has. */
export function attachToSocket(program: Attachable, socket: number): Attachment {
  check(attachFilter(socket, program.fd), `attach program "${program.name}" to socket ${socket}`)
  const inode = inodeOf(socket)
  // By then the number may be that of another socket.
  return once(() => {
    if (inode !== undefined && inodeOf(socket) === inode) detachFilter(socket)
  })
}

/** Where a program is a filter of traffic control: alone at its interface, direction and priority. */
export type FilterPlace = trafficControl.FilterPlace

/** A program as a filter. All is to be done in the network namespace of the interface. */
export interface FilterAttachment extends Attachment {
  /** Whether the interface got its `clsact` queueing discipline for it. */
  readonly madeHook: boolean
  /** Takes the queueing discipline away, with the filters of everybody. */
  removeHook(): void
}

/** Makes the program a filter at a place, instead of the one that is there. */
export function attachToInterface(program: Attachable, place: FilterPlace): FilterAttachment {
  const { ifindex, direction } = place
  const operation = `attach program "${program.name}" to ${direction} of interface ${ifindex}`
  const made = trafficControl.createHook(ifindex)
  if (typeof made === 'number') check(made, operation)
  const result = trafficControl.attachFilter(program.fd, place)
  if (result < 0 && made === true) trafficControl.destroyHook(ifindex)
  check(result, operation)
  const attachment = once(() => void trafficControl.detachFilter(place))
  return { ...attachment, madeHook: made === true, removeHook: () => void trafficControl.destroyHook(ifindex) }
}

function once(work: () => void): Attachment {
  let done = false
  const close = (): void => {
    if (done) return
    done = true
    work()
  }
  return { close, [Symbol.dispose]: close }
}

function inodeOf(fd: number): bigint | undefined {
  try {
    return fstatSync(fd, { bigint: true }).ino
  } catch {
    return undefined
  }
}
