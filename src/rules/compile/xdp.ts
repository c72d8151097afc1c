/** linux/bpf.h, enum xdp_action. */
export const Xdp = { drop: 1, pass: 2, tx: 3 } as const

/** What became of a packet; `tx`: it was answered. */
export type XdpVerdict = keyof typeof Xdp

/** The verdict of a number in a record. */
export const xdpVerdict = (action: number): XdpVerdict =>
  action === Xdp.drop ? 'drop' : action === Xdp.tx ? 'tx' : 'pass'
