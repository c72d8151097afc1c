/** Stable codes of the errors between machines of a fleet. */
export type FleetErrorCode =
  /** A message, or a table, that does not hold what it should. */
  | 'FLEET_MESSAGE'
  /** The other machine answered, and refused. */
  | 'FLEET_REFUSED'
  /** The answer is not signed with the fleet's key, or not for what was asked. */
  | 'FLEET_FORGED'
  /** No answer. */
  | 'FLEET_UNREACHABLE'
  /** Nobody decides about tables at the moment. */
  | 'FLEET_NO_CONDUCTOR'
  /** This machine may not decide about tables. */
  | 'FLEET_NOT_CONDUCTOR'
  /** This machine takes part no more; it may again soon, by another configuration. */
  | 'FLEET_LEFT'
  /** The port cannot be listened on. */
  | 'FLEET_LISTEN'

export class FleetError extends Error {
  readonly code: FleetErrorCode

  constructor(code: FleetErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'FleetError'
    this.code = code
  }
}
