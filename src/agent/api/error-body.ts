import { ConfigError, type ConfigIssue } from '../../config/index.ts'
import { SeawallError, type SeawallErrorCode } from '../../entry/errors.ts'

/** An error as it travels over the local API: the same fields that its class has, and no stack. */
export interface ErrorBody {
  readonly name: string
  readonly code: string
  readonly message: string
  /** Of a configuration. */
  readonly issues?: readonly ConfigIssue[]
  /** The error in one line: of a rule, or of a program that the verifier refused. */
  readonly summary?: string
  readonly log?: readonly string[]
  /** Name of the system's error, like EPERM. */
  readonly errno?: string
}

/** An error of the agent whose class this side has no need of. */
export class RemoteError extends Error {
  readonly code: string
  readonly body: ErrorBody

  constructor(body: ErrorBody) {
    super(body.message)
    this.name = body.name
    this.code = body.code
    this.body = body
  }
}

export const INTERNAL = 'SEAWALL_INTERNAL'

/** Reads an error of any layer by the fields that it may have. */
export function errorBody(error: unknown): ErrorBody {
  if (error instanceof RemoteError) return error.body
  if (!(error instanceof Error)) return { name: 'Error', code: INTERNAL, message: String(error) }
  const fields = error as Error & Partial<Record<keyof ErrorBody, unknown>>
  const code = typeof fields.code === 'string' ? fields.code : INTERNAL
  return {
    name: error.name,
    code,
    message: error.message,
    ...(Array.isArray(fields.issues) ? { issues: fields.issues as ConfigIssue[] } : {}),
    ...(typeof fields.summary === 'string' ? { summary: fields.summary } : {}),
    ...(Array.isArray(fields.log) ? { log: fields.log as string[] } : {}),
    ...(typeof fields.errno === 'string' ? { errno: fields.errno } : {}),
  }
}

/** The error again, of its own class where callers tell it apart by class. */
export function reviveError(body: ErrorBody): Error {
  if (body.issues !== undefined) return new ConfigError(body.issues)
  if (body.name === 'SeawallError') return new SeawallError(body.code as SeawallErrorCode, body.message)
  return new RemoteError(body)
}
