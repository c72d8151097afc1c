import type { ContentfulStatusCode } from 'hono/utils/http-status'

/** HTTP status of the codes that say more than 500. */
const statusOf: Readonly<Record<string, ContentfulStatusCode>> = {
  SEAWALL_CONFIG: 400,
  SEAWALL_INPUT: 400,
  SEAWALL_INTERFACE: 400,
  SEAWALL_PERMISSION: 403,
  SEAWALL_UNKNOWN_RULE: 404,
  SEAWALL_UNKNOWN_SET: 404,
  SEAWALL_UNKNOWN_BACKEND: 404,
  SEAWALL_NO_BALANCER: 404,
  SEAWALL_UNKNOWN_ROUTE: 404,
  SEAWALL_LOCKED: 409,
  SEAWALL_STATE_VERSION: 409,
  SEAWALL_NOTHING_TO_CONFIRM: 409,
  SEAWALL_NO_PREVIOUS: 409,
  SEAWALL_DUPLICATE_RULE: 409,
  SEAWALL_FLEET: 409,
  FLEET_NOT_CONDUCTOR: 409,
  SEAWALL_NO_BPF: 501,
  SEAWALL_NOT_UP: 503,
  FLEET_NO_CONDUCTOR: 503,
  FLEET_LEFT: 503,
  SEAWALL_BPFFS: 503,
  SEAWALL_SET_FULL: 507,
  SEAWALL_FULL: 507,
  BPF_UNSUPPORTED: 501,
  // Of the compiler: rules that cannot be made a program.
  rule_too_complex: 400,
  too_many_rows: 400,
  too_many_fields: 400,
  too_many_captures: 400,
  unknown_set: 400,
}

/** HTTP status of an error code; 400 for rules, addresses and prefixes that cannot be read, 500 for what is unknown here. */
export function httpStatus(code: string): ContentfulStatusCode {
  if (/^(RULE|NET|SET_FILE)_/.test(code)) return 400
  return statusOf[code] ?? 500
}
