import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LINKTYPE_ETHERNET } from '../../src/net/capture.ts'
import { dissect } from '../../src/net/dissect.ts'
import { writePcap } from '../../src/net/pcap.ts'

/** What p0f 3.09b says of a SYN. */
export interface P0fReport {
  /** Index of the signature of which it is a full match. */
  readonly signature?: number
  /** The packet's own signature, with `+?` for a distance beyond the maximum. */
  readonly raw: string
}

/** First source port: each packet gets one of its own, by which its report is found. */
const FIRST_PORT = 1024

/** The SYNs with source ports from 1024 on, as p0f is to see them. */
export function numberPorts(packets: readonly Uint8Array[]): Uint8Array[] {
  return packets.map((packet, i) => {
    const { l4, upper } = dissect(packet)
    const numbered = Uint8Array.from(packet)
    if (upper === 'tcp') new DataView(numbered.buffer).setUint16(l4, FIRST_PORT + i)
    return numbered
  })
}

/**
 * Lets p0f read packets made by {@link numberPorts} with these signatures, the first of which wins; undefined for a packet that it
 * takes for no SYN. Signatures that an earlier one covers are refused by p0f and must not be among them.
 */
export function askP0f(signatures: readonly string[], packets: readonly Uint8Array[]): (P0fReport | undefined)[] {
  const folder = mkdtempSync(join(tmpdir(), 'seawall-p0f-'))
  const [database, capture, log] = ['db.fp', 'syn.pcap', 'log'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  try {
    writeFileSync(database, databaseOf(signatures))
    const captured = packets.map((bytes, i) => ({
      timestamp: BigInt(i) * 1_000_000n,
      bytes,
      length: bytes.length,
      linkType: LINKTYPE_ETHERNET,
    }))
    writeFileSync(capture, writePcap(captured))
    const { status, stderr } = spawnSync('p0f', ['-f', database, '-r', capture, '-o', log], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`p0f failed: ${stderr.trim()}`)
    return reportsOf(readFileSync(log, 'utf8'), packets.length)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function databaseOf(signatures: readonly string[]): string {
  const entries = signatures.map((signature, i) => `label = s:unix:SIG${i}:\nsig   = ${signature}\n`)
  return `classes = win,unix,other\n[tcp:request]\n${entries.join('')}`
}

function reportsOf(log: string, count: number): (P0fReport | undefined)[] {
  const reports = new Array<P0fReport | undefined>(count).fill(undefined)
  for (const line of log.split('\n')) {
    const found = /mod=syn\|cli=[^|]*\/(\d+)\|.*\|os=([^|]*)\|dist=[^|]*\|params=([^|]*)\|raw_sig=(\S+)$/.exec(line)
    if (!found) continue
    const [, port, os, params, raw] = found as unknown as [string, string, string, string, string]
    const label = /^SIG(\d+)$/.exec(os.trim())
    const full = label !== null && !params.includes('fuzzy')
    reports[Number(port) - FIRST_PORT] = full ? { raw, signature: Number(label[1]) } : { raw }
  }
  return reports
}
