import { SeawallError } from '../../entry/errors.ts'
import type { MalformedPolicy } from '../../rules/ast.ts'
import type { SocketRule } from './socket-counters.ts'

/** A socket as it was when rules were put in front of it. */
export interface AttachedSocket {
  readonly pid: number
  readonly fd: number
  readonly inode: number
  readonly protocol: 'tcp' | 'udp'
  readonly address: string
  readonly port: number
}

/** What is known of rules in front of the sockets of other processes, beside program and counters. */
export interface SocketManifest {
  readonly layout: 1
  readonly name: string
  /** ISO 8601. */
  readonly attachedAt: string
  readonly malformed: MalformedPolicy
  readonly rules: readonly SocketRule[]
  readonly sockets: readonly AttachedSocket[]
}

/** A manifest as the bytes of a map value: JSON, and spaces to a multiple of 8. */
export function encodeSocketManifest(manifest: SocketManifest): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(manifest))
  const bytes = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(0x20)
  bytes.set(text)
  return bytes
}

/** @throws SeawallError SEAWALL_STATE_VERSION */
export function decodeSocketManifest(bytes: Uint8Array, folder: string): SocketManifest {
  try {
    const manifest = JSON.parse(new TextDecoder().decode(bytes)) as SocketManifest
    if (manifest.layout === 1) return manifest
  } catch {
    // Said below.
  }
  const message = `Cannot use the state in "${folder}": another version made it, wanted layout 1 [take it away with that version]`
  throw new SeawallError('SEAWALL_STATE_VERSION', message)
}
