/** Every way in which the firewall refuses, under a stable code. */
export type SeawallErrorCode =
  /** Another process is changing the state. */
  | 'SEAWALL_LOCKED'
  /** The kernel's state was made by another version. */
  | 'SEAWALL_STATE_VERSION'
  /** Nothing is in force: `up` or `apply` first. */
  | 'SEAWALL_NOT_UP'
  /** Root, or another capability, is missing. */
  | 'SEAWALL_PERMISSION'
  /** The kernel lacks BPF or one of its features. */
  | 'SEAWALL_NO_BPF'
  /** The BPF file system is not mounted, or cannot be written. */
  | 'SEAWALL_BPFFS'
  | 'SEAWALL_INTERFACE'
  | 'SEAWALL_NOTHING_TO_CONFIRM'
  | 'SEAWALL_NO_PREVIOUS'
  | 'SEAWALL_UNKNOWN_RULE'
  | 'SEAWALL_DUPLICATE_RULE'
  | 'SEAWALL_UNKNOWN_SET'
  | 'SEAWALL_SET_FULL'
  /** The configuration in force has no balancer. */
  | 'SEAWALL_NO_BALANCER'
  | 'SEAWALL_UNKNOWN_BACKEND'
  /** The machines of a fleet decide about it together, by their agents. */
  | 'SEAWALL_FLEET'
  /** No binding was made and no socket registered. */
  | 'SEAWALL_NO_DISPATCH'
  /** A rule, a prefix or a duration that cannot be read. */
  | 'SEAWALL_INPUT'
  /** No room: counter slots, maps or memory. */
  | 'SEAWALL_FULL'

export class SeawallError extends Error {
  readonly code: SeawallErrorCode

  constructor(code: SeawallErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SeawallError'
    this.code = code
  }
}

/** What is read; undefined if the error with this code says that it is not there. */
export function unless<T>(missing: SeawallErrorCode, read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof SeawallError && error.code === missing) return undefined
    throw error
  }
}
