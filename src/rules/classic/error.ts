/** A classic program, or the expression that it should come of, that cannot be used. */
export class ClassicError extends Error {
  override readonly name = 'ClassicError'
  readonly code: 'CLASSIC_UNKNOWN' | 'CLASSIC_UNSOUND' | 'CLASSIC_FRAME' | 'CLASSIC_LONG' | 'PCAP_TEXT'
  /** Of a text: the stretch of it that is wrong. */
  readonly at: { readonly offset: number; readonly length: number } | undefined
  /** What to write instead. */
  readonly suggestion: string | undefined

  constructor(
    code: ClassicError['code'],
    message: string,
    details: Partial<Pick<ClassicError, 'at' | 'suggestion'>> = {},
  ) {
    super(message)
    this.code = code
    this.at = details.at
    this.suggestion = details.suggestion
  }
}
