import koffi from 'koffi'

const library = koffi.load('libbpf.so.1')
const hookCreate = library.func('int bpf_tc_hook_create(void *hook)')
const hookDestroy = library.func('int bpf_tc_hook_destroy(void *hook)')
const attach = library.func('int bpf_tc_attach(const void *hook, void *opts)')
const detach = library.func('int bpf_tc_detach(const void *hook, const void *opts)')

export type Direction = 'ingress' | 'egress'

/** A filter's place: it is alone at its interface, direction and priority. */
export interface FilterPlace {
  readonly ifindex: number
  readonly direction: Direction
  /** 1 to 65,535; the lowest runs first. */
  readonly priority: number
}

/** `enum bpf_tc_attach_point`. */
const POINTS = { ingress: 1, egress: 2 } as const
/** `BPF_TC_F_REPLACE`. */
const REPLACE = 1
const HANDLE = 1
const EEXIST = -17

/** Makes the `clsact` queueing discipline of an interface. @returns whether it is new, or the negated errno. */
export function createHook(ifindex: number): boolean | number {
  const result = hookCreate(hookOf(ifindex, POINTS.ingress | POINTS.egress)) as number
  return result === EEXIST ? false : result < 0 ? result : true
}

/** Takes the queueing discipline away, with all filters of either direction. @returns 0, or the negated errno. */
export function destroyHook(ifindex: number): number {
  return hookDestroy(hookOf(ifindex, POINTS.ingress | POINTS.egress)) as number
}

/** Puts a program at a place, also if there is one. @returns 0, or the negated errno. */
export function attachFilter(program: number, { ifindex, direction, priority }: FilterPlace): number {
  return attach(hookOf(ifindex, POINTS[direction]), optionsOf(priority, program, REPLACE)) as number
}

/** @returns 0, or the negated errno. */
export function detachFilter({ ifindex, direction, priority }: FilterPlace): number {
  return detach(hookOf(ifindex, POINTS[direction]), optionsOf(priority)) as number
}

/** `struct bpf_tc_hook` of libbpf 1.1. */
function hookOf(ifindex: number, point: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(24))
  view.setBigUint64(0, 24n, true)
  view.setInt32(8, ifindex, true)
  view.setUint32(12, point, true)
  return new Uint8Array(view.buffer)
}

/** `struct bpf_tc_opts` of libbpf 1.1. */
function optionsOf(priority: number, program = 0, flags = 0): Uint8Array {
  const view = new DataView(new ArrayBuffer(32))
  view.setBigUint64(0, 32n, true)
  view.setInt32(8, program, true)
  view.setUint32(12, flags, true)
  view.setUint32(20, HANDLE, true)
  view.setUint32(24, priority, true)
  return new Uint8Array(view.buffer)
}
