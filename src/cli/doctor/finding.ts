export type Level = 'ok' | 'note' | 'warning' | 'problem'

/** What one look at the system found. */
export interface Finding {
  /** Stable name, for programs: `kernel`, `interface.eth0.mtu`. */
  readonly check: string
  /** `note` is worth knowing, `warning` costs speed or comfort, with a `problem` Seawall cannot work. */
  readonly level: Level
  readonly found: string
  /** What to do about it; every warning and problem has one. */
  readonly remedy?: string
}

export function ok(check: string, found: string): Finding {
  return { check, level: 'ok', found }
}

export function note(check: string, found: string): Finding {
  return { check, level: 'note', found }
}

export function warning(check: string, found: string, remedy: string): Finding {
  return { check, level: 'warning', found, remedy }
}

export function problem(check: string, found: string, remedy: string): Finding {
  return { check, level: 'problem', found, remedy }
}
