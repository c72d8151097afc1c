/**
 * Builds packets layer by layer: `buildPacket(ethernet(), ipv4({ src, dst }), udp({ dstport: 53 }), 'hello')`.
 * Lengths, checksums, EtherTypes and protocol numbers are right unless a layer's options say otherwise.
 */
import type { Layer } from './layers/layer.ts'
import { raw } from './layers/raw.ts'

export { concat } from './bytes.ts'
export * from './layers/dns.ts'
export * from './layers/ethernet.ts'
export * from './layers/icmp.ts'
export * from './layers/ipv4.ts'
export * from './layers/ipv6.ts'
export type { Layer } from './layers/layer.ts'
export { raw } from './layers/raw.ts'
export * from './layers/tcp.ts'
export * from './layers/udp.ts'

/** Bytes as they are, or the Latin-1 bytes of a text. */
export type Content = Layer | Uint8Array | string

/** The whole frame or packet, from the outermost layer in. */
export function buildPacket(...contents: readonly Content[]): Uint8Array {
  const layers = contents.map((content) => (isLayer(content) ? content : raw(content)))
  let bytes: Uint8Array = new Uint8Array(0)
  for (let index = layers.length - 1; index >= 0; index--) {
    const below = layers.slice(0, index).findLast((layer) => layer.pseudoHeader)
    bytes = layers[index]!.write(bytes, layers[index + 1], below?.pseudoHeader)
  }
  return bytes
}

const isLayer = (content: Content): content is Layer => typeof content === 'object' && 'write' in content
