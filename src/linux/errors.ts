/** Stable codes of the errors of this layer. */
export type LinuxErrorCode =
  | 'COMMAND_FAILED'
  | 'COMMAND_MISSING'
  | 'NETNS_MISSING'
  | 'NETNS_ASYNC'
  | 'NETNS_DENIED'
  | 'INTERFACE_MISSING'
  | 'BPFFS_MISSING'
  | 'CGROUP_MISSING'
  | 'PRIVILEGE_MISSING'
  | 'PROCESS_GONE'
  | 'SOCKET_GONE'
  | 'SYSCTL'

/** A failed action on the operating system. The message says what failed, what was found and how to go on. */
export class LinuxError extends Error {
  readonly code: LinuxErrorCode

  constructor(code: LinuxErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'LinuxError'
    this.code = code
  }
}
