/** The process that sends the flood: started by flood.ts inside the botnet's namespace, told what to do over IPC. */
import { setTimeout } from 'node:timers/promises'
import { findInterface } from '../../src/linux/interface.ts'
import { FloodProgram } from './flood-program.ts'
import type { Command, FloodBounds, Report, SenderOptions } from './messages.ts'
import { allPatterns } from './patterns.ts'

/** Packets are paced by the kernel for so long at a time, then the process looks for new commands. */
const SLICE_MS = 5

const options = JSON.parse(process.argv[2]!) as SenderOptions
const wanted = options.patterns
const patterns = allPatterns(options.target).filter(({ name }) => wanted === undefined || wanted.includes(name))
const program = await FloodProgram.load({
  patterns,
  interface: findInterface(null, options.interface),
  seed: options.seed,
})

let run = 0

async function send(bounds: FloodBounds): Promise<void> {
  run += 1
  const mine = run
  const end = performance.now() + bounds.seconds * 1000
  const perSlice = Math.max(1, Math.round((bounds.packetsPerSecond * SLICE_MS) / 1000))
  let left = bounds.packets
  program.setRate(bounds.packetsPerSecond)
  program.choose(bounds.patterns)
  while (mine === run && left > 0 && performance.now() < end) {
    const began = performance.now()
    left -= program.send(Math.min(perSlice, left))
    await setTimeout(Math.max(0, SLICE_MS - (performance.now() - began) - 1))
  }
}

function tell(report: Report): void {
  process.send?.(report)
}

process.on('message', (command: Command) => {
  if (command.kind === 'run') void send(command)
  if (command.kind === 'pause') run += 1
  if (command.kind === 'sent') tell({ kind: 'sent', patterns: program.sent() })
})
process.on('disconnect', () => process.exit(0))
tell({ kind: 'ready' })
