import { closeSync, readSync } from 'node:fs'
import {
  type Attachment,
  attachToInterface,
  attachToSocket,
  attachToSocketMap,
  type FilterAttachment,
  type FilterPlace,
} from './attachment.ts'
import { Descriptor } from './descriptor.ts'
import { BpfError } from './errors.ts'
import * as libbpf from './ffi/libbpf.ts'
import type { AttachType } from './kinds.ts'
import { Link, type TcxDirection, type XdpMode } from './link.ts'
import type { BpfMap } from './map.ts'
import { loadProgram, type ProgramDefinition } from './program-load.ts'
import { check, openPin, readInfo, readName, takeOver } from './result.ts'
import { TestRun, type TestRunOptions, type TestRunResult } from './test-run.ts'

const EINTR = -4

/** A program in the kernel. It stays as long as it is open here, pinned, attached or in a map of programs. */
export class Program {
  readonly name: string
  readonly id: number
  /** Hash of the instructions, 16 hexadecimal digits: programs with the same tag do the same. */
  readonly tag: string
  readonly #descriptor: Descriptor

  /**
   * Loads instructions while the event loop goes on.
   *
   * @throws VerifierError when the kernel cannot prove that the program is safe; BpfError BPF_REFUSED, BPF_SIZE
   */
  static async load(definition: ProgramDefinition): Promise<Program> {
    const { length } = definition.instructions
    if (length === 0 || length % 8 !== 0) {
      const found = `it has ${length} bytes (wanted instructions of 8 bytes)`
      throw new BpfError('BPF_SIZE', '', `load program "${definition.name}"`, found)
    }
    return new Program(await loadProgram(definition))
  }

  /** @throws BpfError BPF_REFUSED, BPF_KIND */
  static openPinned(path: string): Program {
    return new Program(openPin(path, 'bpf-prog'))
  }

  /** @throws BpfError BPF_REFUSED */
  static openId(id: number): Program {
    return new Program(check(libbpf.programById(id), `open program ${id}`))
  }

  /** Takes over a descriptor: it is closed with the program, or if this fails. */
  static adopt(fd: number): Program {
    return new Program(fd)
  }

  private constructor(fd: number) {
    const info = takeOver(fd)
    this.id = info.getUint32(4, true)
    this.tag = Buffer.from(info.buffer, 8, 8).toString('hex')
    this.name = readName(info, 64)
    this.#descriptor = new Descriptor(fd, `program "${this.name}"`)
  }

  /** @throws BpfError BPF_CLOSED */
  get fd(): number {
    return this.#descriptor.fd
  }

  /** Instructions that the verifier walked through, of the million it may; 0 before Linux 5.16. */
  verifiedInstructions(): number {
    return readInfo(this.fd).getUint32(216, true)
  }

  /**
   * Runs the program on a packet that never was on a wire. With several repeats an XDP program that is attached nowhere takes 16 ms
   * more, and a run that the kernel breaks off (it stops for any work of this thread) begins again, so that the program may run
   * more often than it is told to.
   *
   * @throws BpfError BPF_REFUSED
   */
  testRun(options: TestRunOptions): TestRunResult {
    const run = new TestRun(options)
    let result = libbpf.programTestRun(this.fd, run.options)
    while (result === EINTR) result = libbpf.programTestRun(this.fd, run.options)
    return this.#finish(run, result)
  }

  /** Like {@link testRun}, while the event loop goes on. The thread's network namespace is that of the process. */
  async testRunAsync(options: TestRunOptions): Promise<TestRunResult> {
    const run = new TestRun(options)
    let result = await libbpf.onThread(libbpf.programTestRun, this.fd, run.options)
    while (result === EINTR) result = await libbpf.onThread(libbpf.programTestRun, this.fd, run.options)
    return this.#finish(run, result)
  }

  /**
   * Attaches to a network interface of the calling thread's namespace.
   *
   * @throws BpfError BPF_REFUSED: EBUSY when there is another program, EOPNOTSUPP when the driver has no native mode.
   */
  attachXdp(options: { readonly ifindex: number; readonly mode: XdpMode }): Link {
    return Link.attachXdp(this, options)
  }

  /**
   * Attaches a `sched_cls` program to the traffic control hook of an interface of the calling thread's namespace.
   *
   * @throws BpfError BPF_REFUSED; UnsupportedError before Linux 6.6
   */
  attachTcx(options: { readonly ifindex: number; readonly direction: TcxDirection }): Link {
    return Link.attachTcx(this, options)
  }

  /**
   * Attaches a `sched_cls` program to an interface of the calling thread's namespace as a filter, which every kernel has. It stays when
   * the process ends. One that is there with the same priority goes.
   *
   * @throws BpfError BPF_REFUSED
   */
  attachFilter(place: FilterPlace): FilterAttachment {
    return attachToInterface(this, place)
  }

  /**
   * Attaches a `sk_lookup` program to a network namespace, by a descriptor of its file.
   *
   * @throws BpfError BPF_REFUSED
   */
  attachSkLookup(netns: number): Link {
    return Link.attach(this, netns, 'sk_lookup')
  }

  /**
   * Attaches a `sock_ops` or `cgroup_*` program to a control group, by a descriptor of its folder.
   *
   * @throws BpfError BPF_REFUSED
   */
  attachCgroup(cgroup: number, type: AttachType): Link {
    return Link.attach(this, cgroup, type)
  }

  /** @throws BpfError BPF_REFUSED: ENOENT when there is no such tracepoint. */
  attachRawTracepoint(tracepoint: string): Link {
    return Link.attachRawTracepoint(this, tracepoint)
  }

  /**
   * Runs an `iter/…` program over all there is of its kind now, such as the TCP sockets of the calling thread's network namespace.
   *
   * @throws BpfError BPF_REFUSED
   */
  iterate(): void {
    using link = Link.attach(this, 0, 'trace_iter')
    readToEnd(check(libbpf.iterCreate(link.fd), `run program "${this.name}" over what there is`))
  }

  /**
   * Attaches a verdict or parser program to a map of sockets.
   *
   * @throws BpfError BPF_REFUSED
   */
  attachSocketMap(map: BpfMap, type: AttachType): Attachment {
    return attachToSocketMap(this, map, type)
  }

  /**
   * Makes a `socket_filter` program the filter of an open socket.
   *
   * @throws BpfError BPF_REFUSED
   */
  attachSocket(socket: number): Attachment {
    return attachToSocket(this, socket)
  }

  /** A handle of its own for the same program. */
  clone(): Program {
    return new Program(this.#descriptor.duplicate())
  }

  /** @throws BpfError BPF_REFUSED */
  pin(path: string): void {
    this.#descriptor.pin(path)
  }

  /** Does nothing the second time. */
  close(): void {
    this.#descriptor.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #finish(run: TestRun, result: number): TestRunResult {
    check(result, `run program "${this.name}" on a packet of ${run.length} bytes`)
    return run.result()
  }
}

/** What an iterator's program writes is nobody's; it runs while it is read, so many turns at a time. */
function readToEnd(fd: number): void {
  const ignored = new Uint8Array(4_096)
  try {
    for (;;) if (readSome(fd, ignored) === 0) return
  } finally {
    closeSync(fd)
  }
}

function readSome(fd: number, into: Uint8Array): number | undefined {
  try {
    return readSync(fd, into)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined
    throw error
  }
}
