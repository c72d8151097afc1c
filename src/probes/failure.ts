/** Why a check failed, in words for the operator. */
export class ProbeFailure extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'ProbeFailure'
  }
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  EPIPE: 'connection closed',
}

/** What an error says, in short. */
export function failureText(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code } = error as NodeJS.ErrnoException
  return (code === undefined ? undefined : reasons[code]) ?? error.message
}
