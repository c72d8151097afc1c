import { statSync } from 'node:fs'
import { join } from 'node:path'
import { type BpfMap, type Codec, Events, type TypedMap, typed, U32, U64 } from '../../bpf/index.ts'
import { Handles } from '../../entry/handles.ts'
import { openMap } from '../../entry/open.ts'
import { Dissector, Group, GroupGeneration, Registered, Request } from '../../generated/udpgrm.ts'
import { UDPGRM } from '../pins.ts'
import { udpgrmPlace } from './hooks.ts'

/** Maps of sockets have descriptors as keys. */
const FD: Codec<number> = {
  size: 4,
  read: (view, at) => view.getInt32(at, true),
  write: (view, at, fd) => view.setInt32(at, fd, true),
}

/** What servers have asked for by options of udpgrm, and what has become of it. */
export class UdpgrmMaps {
  /** Groups that there are, and how flows stay. */
  readonly groups: TypedMap<Group, Dissector>
  /** The generation of each group that is to work, as its servers count. */
  readonly working: TypedMap<Group, number>
  /** Generations that were asked for: their number in the label, or 0 until they have one. */
  readonly known: TypedMap<GroupGeneration, number>
  /** What a socket has asked to be in. */
  readonly asked: TypedMap<number, GroupGeneration>
  /** Where a socket is, as its server reads it. */
  readonly registered: TypedMap<number, Registered>
  readonly requests: Events<Request>
  readonly #seen: TypedMap<number, bigint>
  readonly #handles = new Handles()
  readonly #folder: string
  readonly #inode: number

  private constructor(folder: string) {
    this.#folder = folder
    this.#inode = inodeOf(folder)
    this.groups = typed(this.#open('groups'), Group, Dissector)
    this.working = typed(this.#open('working'), Group, U32)
    this.known = typed(this.#open('known'), GroupGeneration, U32)
    this.asked = typed(this.#open('asked'), FD, GroupGeneration)
    this.registered = typed(this.#open('registered'), FD, Registered)
    this.#seen = typed(this.#open('seen'), U32, U64)
    this.requests = this.#handles.keep(new Events(this.#open('requests'), Request))
  }

  /** Undefined where no options are answered. */
  static find(state: string): UdpgrmMaps | undefined {
    return udpgrmPlace(state) === undefined ? undefined : new UdpgrmMaps(join(state, UDPGRM))
  }

  /** Whether these are the maps that programs use still. */
  get isCurrent(): boolean {
    return inodeOf(this.#folder) === this.#inode
  }

  /** Says that somebody does what is asked, from now on for two seconds. */
  beat(): void {
    this.#seen.set(0, process.hrtime.bigint())
  }

  /** Says that nobody does any more, and closes all. */
  close(): void {
    this.#seen.set(0, 0n)
    this.#handles.close()
  }

  #open(name: string): BpfMap {
    return this.#handles.keep(openMap(join(this.#folder, name)))
  }
}

/** Each pin is a file of its own. */
const inodeOf = (folder: string): number => statSync(join(folder, 'requests'), { throwIfNoEntry: false })?.ino ?? 0
