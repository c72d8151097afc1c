/** Has the fields by which the error of a program that the verifier refused is known, also when it comes from an agent. */
export class VerifierLike extends Error {
  readonly code = 'BPF_VERIFIER'
  readonly summary: string
  readonly log: readonly string[]

  constructor(summary: string, log: readonly string[]) {
    super(`Cannot load program "firewall": ${summary}`)
    this.name = 'VerifierError'
    this.summary = summary
    this.log = log
  }
}
