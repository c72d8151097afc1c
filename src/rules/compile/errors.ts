/** A rule set that cannot be compiled. */
export class CompileError extends Error {
  override readonly name = 'CompileError'
  readonly code:
    | 'rule_too_complex'
    | 'too_many_rows'
    | 'too_many_fields'
    | 'too_many_captures'
    | 'unknown_set'
    | 'not_there'

  constructor(code: CompileError['code'], message: string) {
    super(message)
    this.code = code
  }
}
