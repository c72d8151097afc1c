import type { Firewall } from '../firewall/index.ts'
import type { AgentEvent } from './agent.ts'
import { Timer } from './timer.ts'

/** Milliseconds between two looks at the interfaces; one takes some ten microseconds an interface. */
const EVERY_MS = 1_000

/**
 * Attaches interfaces that went away and came back: a tunnel, a bond, a virtual machine's card. The kernel gives what is attached up
 * together with the interface, and the next one of the same name would be unprotected.
 */
export class InterfaceGuard {
  readonly #firewall: Firewall
  readonly #log: (event: AgentEvent) => void
  readonly #timer = new Timer(() => this.#look())
  readonly #gone = new Set<string>()
  /** Those that came back, and could not be attached yet. */
  #owed: readonly string[] = []
  #running = false
  /** What failed last, which is not said again every second. */
  #failure: string | undefined

  constructor(firewall: Firewall, log: (event: AgentEvent) => void) {
    this.#firewall = firewall
    this.#log = log
  }

  start(): void {
    this.#running = true
    this.#timer.set(EVERY_MS)
  }

  stop(): void {
    this.#running = false
    this.#timer.clear()
  }

  async #look(): Promise<void> {
    try {
      await this.#attachAgain()
      this.#failure = undefined
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error)
      if (failure !== this.#failure) {
        this.#log({ level: 'error', event: 'attach-failed', message: `Cannot attach what came back: ${failure}` })
      }
      this.#failure = failure
    }
    if (this.#running) this.#timer.set(EVERY_MS)
  }

  async #attachAgain(): Promise<void> {
    const lost = this.#firewall.lostInterfaces(this.#owed)
    // An apply may have attached it meanwhile.
    for (const name of this.#gone) if (!lost.some((one) => one.name === name)) this.#gone.delete(name)
    for (const { name } of lost.filter(({ isThere }) => !isThere)) {
      if (this.#gone.has(name)) continue
      this.#gone.add(name)
      const message = `Interface "${name}" is gone: it is attached again as soon as it comes back`
      this.#log({ level: 'warn', event: 'interface-gone', message })
    }
    const back = lost.filter(({ isThere }) => isThere)
    if (back.length === 0) return
    this.#owed = back.map(({ name }) => name)
    try {
      await this.#firewall.reconcile()
      this.#owed = []
    } finally {
      const still = new Set(this.#firewall.lostInterfaces(this.#owed).map(({ name }) => name))
      for (const { name } of back) if (!still.has(name)) this.#tellAttached(name)
    }
  }

  #tellAttached(name: string): void {
    this.#gone.delete(name)
    const message = `Interface "${name}" was not attached any more, and is again`
    this.#log({ level: 'warn', event: 'interface-attached', message })
  }
}
