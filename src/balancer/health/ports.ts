/** Ports that checks ask from, as in bpf/health.bpf.c. */
export const FIRST_PORT = 61_000
export const PORTS = 4_096

/** Gives each port to one check at a time: the one that has been free for the longest, so that the other end has forgotten its last use. */
export class Ports {
  readonly #free = new Uint16Array(PORTS).map((_, index) => index)
  /** How many have been taken and given back since the beginning. */
  #taken = 0
  #returned = PORTS

  /** An index from 0 on, below {@link PORTS}; undefined if all are taken. */
  take(): number | undefined {
    return this.#taken === this.#returned ? undefined : this.#free[this.#taken++ % PORTS]
  }

  giveBack(index: number): void {
    this.#free[this.#returned++ % PORTS] = index
  }
}
