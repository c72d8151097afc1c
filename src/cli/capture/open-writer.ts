import { resolve } from 'node:path'
import { usageError } from '../exit-codes.ts'
import type { Session } from '../session.ts'
import { type ByteSink, FileSink, OutputSink } from './byte-sink.ts'
import type { CaptureWish } from './flags.ts'
import { LineWriter } from './line-writer.ts'
import type { PacketWriter } from './packet-writer.ts'
import { PcapngWriter } from './pcapng-writer.ts'

export interface OpenWriter {
  readonly writer: PacketWriter
  /** @throws WriteError */
  close(): Promise<void>
}

/**
 * Opens what a capture is written to, before anything is captured: a file that cannot be written must change nothing.
 *
 * @throws WriteError, SeawallError SEAWALL_INPUT
 */
export async function openWriter(session: Session, wish: CaptureWish): Promise<OpenWriter> {
  const { file } = wish
  const { stdout, cwd } = session.env
  if (file === undefined) return closing(new OutputSink(stdout), (sink) => new LineWriter(sink, session.json))
  if (file === '-' && session.json) {
    throw usageError('Cannot use --json with --write -: both go to standard output (write to a file)')
  }
  if (file === '-' && stdout.isTTY) {
    throw usageError(
      'Cannot write a capture to the terminal (use --write FILE, or a pipe: seawall capture -w - | tshark -r -)',
    )
  }
  const sink = file === '-' ? new OutputSink(stdout) : await FileSink.open(resolve(cwd, file))
  return closing(sink, () => new PcapngWriter(sink, describe(wish), wish.request.snaplen ?? 0))
}

function closing<S extends ByteSink>(sink: S, writer: (sink: S) => PacketWriter): OpenWriter {
  return { writer: writer(sink), close: () => sink.close() }
}

/** What was captured, for the comment of the file. */
function describe({ request }: CaptureWish): string {
  const { expr = 'everything', verdict, every } = request
  const parts = [
    expr,
    ...(verdict === undefined ? [] : [`verdict ${verdict}`]),
    ...(every === undefined ? [] : [`1/${every}`]),
  ]
  return `seawall capture: ${parts.join(', ')}`
}
