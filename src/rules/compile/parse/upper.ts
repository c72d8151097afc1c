import { type Label, r4 } from '../../asm/index.ts'
import type { ParseContext } from './context.ts'
import { emitIcmp } from './icmp.ts'
import { emitTcp } from './tcp.ts'
import { emitUdp } from './udp.ts'

export const Protocol = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const

/** The upper layers: one copy of each, and the choice among them for either IP version. */
export class UpperLayers {
  readonly #ctx: ParseContext
  readonly #labels: Record<keyof typeof Protocol, Label>

  constructor(ctx: ParseContext) {
    this.#ctx = ctx
    const label = (name: string) => ctx.asm.label(name)
    this.#labels = { icmp: label('icmp'), tcp: label('tcp'), udp: label('udp'), icmpv6: label('icmpv6') }
  }

  choose(names: readonly (keyof typeof Protocol)[]): void {
    const { asm, parsed } = this.#ctx
    for (const name of names) asm.jumpIf(r4, '==', Protocol[name], this.#labels[name])
    asm.jump(parsed)
  }

  emit(): void {
    const { asm } = this.#ctx
    asm.bind(this.#labels.tcp)
    emitTcp(this.#ctx)
    asm.bind(this.#labels.udp)
    emitUdp(this.#ctx)
    asm.bind(this.#labels.icmp)
    emitIcmp(this.#ctx, 'icmp')
    asm.bind(this.#labels.icmpv6)
    emitIcmp(this.#ctx, 'icmpv6')
  }
}
