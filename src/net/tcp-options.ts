/** The TCP options that rules can ask for; of several of one kind, the first counts. */
export interface TcpOptions {
  mss?: number
  windowScale?: number
  sackPermitted?: boolean
  timestamp?: { readonly value: number; readonly echo: number }
}

const END = 0
const NOP = 1

/** Reads the options between two offsets as step 7 of docs/packet.md says. */
export function readTcpOptions(view: DataView, start: number, end: number): TcpOptions {
  const options: TcpOptions = {}
  let at = start
  while (at < end) {
    const kind = view.getUint8(at)
    if (kind === END) break
    if (kind === NOP) {
      at++
      continue
    }
    if (at + 2 > end) break
    const length = view.getUint8(at + 1)
    if (length < 2 || at + length > end) break
    takeOption(options, view, at, kind, length)
    at += length
  }
  return options
}

function takeOption(options: TcpOptions, view: DataView, at: number, kind: number, length: number): void {
  if (kind === 2 && length === 4) options.mss ??= view.getUint16(at + 2)
  else if (kind === 3 && length === 3) options.windowScale ??= view.getUint8(at + 2)
  else if (kind === 4 && length === 2) options.sackPermitted = true
  else if (kind === 8 && length === 10) {
    options.timestamp ??= { value: view.getUint32(at + 2), echo: view.getUint32(at + 6) }
  }
}
