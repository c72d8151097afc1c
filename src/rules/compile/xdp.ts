/** linux/bpf.h, enum xdp_action. */
export const Xdp = { drop: 1, pass: 2 } as const
