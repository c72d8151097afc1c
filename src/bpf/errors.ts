/** Stable codes of the errors of `src/bpf`. */
export type BpfErrorCode =
  | 'BPF_REFUSED'
  | 'BPF_CLOSED'
  | 'BPF_SIZE'
  | 'BPF_KIND'
  | 'BPF_OBJECT'
  | 'BPF_LAYOUT'
  | 'BPF_VERIFIER'
  | 'BPF_UNSUPPORTED'

/** An operation on the kernel's BPF objects that failed. */
export class BpfError extends Error {
  readonly code: BpfErrorCode
  /** Name of the kernel's reason, such as `EBUSY`; empty if it was not asked. */
  readonly errno: string
  /** What was tried, such as `create map "counters"`. */
  readonly operation: string

  constructor(code: BpfErrorCode, errno: string, operation: string, detail: string, options?: ErrorOptions) {
    super(`Cannot ${operation}: ${detail}`, options)
    this.name = 'BpfError'
    this.code = code
    this.errno = errno
    this.operation = operation
  }
}

/** A program that the kernel's verifier did not accept. */
export class VerifierError extends BpfError {
  /** The verifier's own words: the last line of its log that says what is wrong. */
  readonly summary: string
  /** Everything that the verifier wrote, line by line. */
  readonly log: readonly string[]

  constructor(errno: string, operation: string, log: readonly string[]) {
    const summary = summarize(log)
    super('BPF_VERIFIER', errno, operation, `the verifier said "${summary}" (see the log of this error)`)
    this.name = 'VerifierError'
    this.summary = summary
    this.log = log
  }
}

/** The kernel cannot do something that is needed. */
export class UnsupportedError extends BpfError {
  readonly feature: string
  /** The first kernel that can, such as `5.18`. */
  readonly minimumKernel: string

  constructor(feature: string, minimumKernel: string, errno = '', options?: ErrorOptions) {
    const detail = `this kernel does not have it (wanted Linux ${minimumKernel} or newer)`
    super('BPF_UNSUPPORTED', errno, `use ${feature}`, detail, options)
    this.name = 'UnsupportedError'
    this.feature = feature
    this.minimumKernel = minimumKernel
  }
}

/** The log ends in statistics; the line before them is what matters. */
function summarize(log: readonly string[]): string {
  const telling = log.filter((line) => line !== '' && !/^(processed|verification time|stack depth) /.test(line))
  return telling.at(-1) ?? 'nothing'
}
