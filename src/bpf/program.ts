import { Descriptor } from './descriptor.ts'
import { BpfError } from './errors.ts'
import * as libbpf from './ffi/libbpf.ts'
import { Link, type XdpMode } from './link.ts'
import { loadProgram, type ProgramDefinition } from './program-load.ts'
import { check, openPin, readInfo, readName } from './result.ts'
import { TestRun, type TestRunOptions, type TestRunResult } from './test-run.ts'

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

  /** Takes over a descriptor: it is closed with the program. */
  static adopt(fd: number): Program {
    return new Program(fd)
  }

  private constructor(fd: number) {
    const info = readInfo(fd)
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
   * Runs the program on a packet that never was on a wire. An XDP program that is attached nowhere takes 16 ms more.
   *
   * @throws BpfError BPF_REFUSED
   */
  testRun(options: TestRunOptions): TestRunResult {
    const run = new TestRun(options)
    return this.#finish(run, libbpf.programTestRun(this.fd, run.options))
  }

  /** Like {@link testRun}, while the event loop goes on. The thread's network namespace is that of the process. */
  async testRunAsync(options: TestRunOptions): Promise<TestRunResult> {
    const run = new TestRun(options)
    return this.#finish(run, await libbpf.onThread(libbpf.programTestRun, this.fd, run.options))
  }

  /**
   * Attaches to a network interface of the calling thread's namespace.
   *
   * @throws BpfError BPF_REFUSED: EBUSY when there is another program, EOPNOTSUPP when the driver has no native mode.
   */
  attachXdp(options: { readonly ifindex: number; readonly mode: XdpMode }): Link {
    return Link.attachXdp(this.fd, `program "${this.name}"`, options)
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
