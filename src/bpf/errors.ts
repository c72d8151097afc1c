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
  | 'BPF_LIBRARY'
  | 'BPF_EXPRESSION'

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

/** Statistics, and the listing of instructions and registers, explain nothing by themselves. */
const noise = [
  /^\s*$/,
  /^processed \d+ insns/,
  /^(verification time|stack depth|mark_precise|last_idx|parent |regs=|func#\d+ @)/,
  /^\d+: (R\d|\(|frame\d|safe)/,
  /^from \d+ to \d+/,
  /^; /,
  /^-- (BEGIN|END) PROG LOAD LOG --/,
]

/** Whether the verifier says why: of a program that it accepts it only counts, and then something else went wrong. */
export function isRefusal(log: readonly string[]): boolean {
  return log.some((line) => !/^\s*$|^(processed \d+ insns|verification time|stack depth)/.test(line))
}

/** The last line that says something, and the instruction it is about. */
function summarize(log: readonly string[]): string {
  const reason = log.findLast((line) => !noise.some((one) => one.test(line)))
  if (reason === undefined) return log.at(-1) ?? 'nothing'
  const at = log.findLast((line) => /^\d+: \(/.test(line))
  return at === undefined ? reason : `${reason} at instruction ${at.replace(/\s*;.*$/, '').trim()}`
}
