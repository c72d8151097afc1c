/** Stable codes of the errors of `src/net`. */
export type NetErrorCode = 'NET_ADDRESS' | 'NET_PREFIX' | 'NET_MAC' | 'NET_NAME' | 'NET_CAPTURE' | 'NET_PACKET'

/** A text or a file that does not hold what its reader wants. */
export class NetError extends Error {
  readonly code: NetErrorCode

  constructor(code: NetErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'NetError'
    this.code = code
  }
}
