/** All kinds of packets, or nothing but SYNs. */
export type Attack = 'mixed' | 'syn'

export interface PhaseKind {
  /** What is sent meanwhile; nothing if absent. */
  readonly attack?: Attack
  /** Nothing is done about it: clients must suffer, or the phase shows nothing. */
  readonly bare?: boolean
}

const kinds = {
  calm: {},
  unprotected: { attack: 'mixed', bare: true },
  'syn-flood': { attack: 'syn', bare: true },
  protected: { attack: 'mixed' },
  'agent-killed': { attack: 'mixed' },
  reload: { attack: 'mixed' },
  adopted: { attack: 'mixed' },
  'syn-cookies': { attack: 'syn' },
  over: {},
} as const satisfies Record<string, PhaseKind>

export type PhaseName = keyof typeof kinds

/** In the order in which they are played. */
export const phaseNames = Object.keys(kinds) as readonly PhaseName[]

export const kindOf = (name: PhaseName): PhaseKind => kinds[name]
