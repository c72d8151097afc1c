import type { Control } from '../../agent/index.ts'
import type { CapturedPacket, CaptureReader } from '../../firewall/index.ts'
import type { Session } from '../session.ts'
import { wallClockOffset } from './clock.ts'
import type { CaptureWish } from './flags.ts'
import { InterfaceNames } from './interface-names.ts'
import type { Ending, PacketWriter, WrittenPacket } from './packet-writer.ts'
import { WriteError } from './write-error.ts'

export interface CaptureSummary extends Ending {
  /** Id of the capture's rule. */
  readonly id: string
  /** Somebody else ended it. */
  readonly removed: boolean
  /** The process stood still for so long that it was taken for dead for a while. */
  readonly lapsed: boolean
}

/** Milliseconds that Node's timers take at most. */
const LONGEST_TIMER = 2 ** 31 - 1

/** One capture, from the rule that it adds to the end of it. */
export class CaptureRun {
  readonly #session: Session
  readonly #control: Control
  readonly #reader: CaptureReader
  readonly #wish: CaptureWish
  readonly #names: InterfaceNames
  readonly #enough = new AbortController()
  readonly #offset = wallClockOffset()
  readonly #start = this.#now()
  #timer: NodeJS.Timeout | undefined
  #captured = 0
  #lost = 0

  /** Adds the rule. */
  static async start(session: Session, wish: CaptureWish): Promise<CaptureRun> {
    // From here on Ctrl-C ends the capture, not the process.
    const { signal } = session.env
    const control = await session.control()
    const { Firewall } = await import('../../firewall/index.ts')
    const { id } = await session.progress('Starting the capture', control.capture(wish.request))
    try {
      const reader = new Firewall(session.paths).openCapture(id)
      return new CaptureRun(session, control, reader, wish, signal)
    } catch (error) {
      await control.undo(id)
      throw error
    }
  }

  private constructor(
    session: Session,
    control: Control,
    reader: CaptureReader,
    wish: CaptureWish,
    interrupted: AbortSignal,
  ) {
    this.#session = session
    this.#control = control
    this.#reader = reader
    this.#wish = wish
    this.#names = new InterfaceNames(control)
    interrupted.addEventListener('abort', () => this.#enough.abort())
    if (interrupted.aborted) this.#enough.abort()
    if (wish.forMs !== undefined) this.#endAfter(wish.forMs)
  }

  /**
   * Writes packets until it is enough, and removes the rule, whatever happens.
   *
   * @throws WriteError, but not if a reader behind a pipe has had enough
   */
  async write(writer: PacketWriter): Promise<CaptureSummary> {
    try {
      await writer.begin()
      await this.#writePackets(writer)
      this.#reader.stop()
      await writer.end(this.#ending())
    } catch (error) {
      if (!(error instanceof WriteError && error.isBrokenPipe)) throw error
    } finally {
      clearTimeout(this.#timer)
      this.#reader.stop()
      await this.#removeRule()
      this.#reader.close()
    }
    const { id, wasRemoved, hasLapsed } = this.#reader
    return { id, ...this.#ending(), removed: wasRemoved, lapsed: hasLapsed }
  }

  async #writePackets(writer: PacketWriter): Promise<void> {
    const { count } = this.#wish
    for await (const batch of this.#reader.batches(this.#enough.signal)) {
      const packets = batch.slice(0, count - this.#captured)
      await this.#names.learn(new Set(packets.map(({ ifindex }) => ifindex)))
      await writer.write(packets.map((packet) => this.#written(packet)))
      this.#captured += packets.length
      this.#lost += packets.reduce((sum, { lost }) => sum + lost, 0)
      if (this.#captured >= count) return
    }
    this.#lost = this.#reader.lostInAll
  }

  #written({ timestamp, ifindex, ...packet }: CapturedPacket): WrittenPacket {
    return { ...packet, time: timestamp + this.#offset, interface: this.#names.of(ifindex) }
  }

  #endAfter(ms: number): void {
    const rest = ms - LONGEST_TIMER
    this.#timer =
      rest > 0 ? setTimeout(() => this.#endAfter(rest), LONGEST_TIMER) : setTimeout(() => this.#enough.abort(), ms)
  }

  #ending(): Ending {
    return { captured: this.#captured, lost: this.#lost, start: this.#start, end: this.#now() }
  }

  #now(): bigint {
    return process.hrtime.bigint() + this.#offset
  }

  /** It matches nothing any more, so if it cannot be removed now, the next one who changes something will. */
  async #removeRule(): Promise<void> {
    const { id } = this.#reader
    try {
      await this.#control.undo(id)
    } catch (error) {
      const { code, message } = error as Error & { code?: string }
      if (code === 'SEAWALL_UNKNOWN_RULE' || code === 'SEAWALL_NOT_UP') return
      this.#session.note(`The capture has ended, but its rule is still listed: ${message} (seawall undo ${id})`)
    }
  }
}
