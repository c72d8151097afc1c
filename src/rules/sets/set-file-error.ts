export type SetFileErrorCode = 'SET_FILE_LINES' | 'SET_FILE_UNREADABLE'

/** A line that holds no prefix. */
export interface LineProblem {
  /** From 1. */
  readonly line: number
  /** What was found and what was wanted. */
  readonly message: string
}

/** A set file that cannot be read, or has lines that are no prefixes. */
export class SetFileError extends Error {
  readonly code: SetFileErrorCode
  /** The first bad lines. */
  readonly problems: readonly LineProblem[]

  constructor(code: SetFileErrorCode, message: string, problems: readonly LineProblem[], options?: ErrorOptions) {
    super(message, options)
    this.name = 'SetFileError'
    this.code = code
    this.problems = problems
  }

  static ofLines(name: string, problems: readonly LineProblem[], total: number): SetFileError {
    const lines = problems.map(({ line, message }) => `${name}:${line}: ${message}`)
    if (total > problems.length) lines.push(`and ${total - problems.length} more`)
    const count = total === 1 ? 'a bad line' : `${total} bad lines`
    return new SetFileError('SET_FILE_LINES', `Cannot read set file "${name}": ${count}\n${lines.join('\n')}`, problems)
  }
}
