import type { Netns } from '../../src/linux/netns.ts'
import { pinToCpu } from '../../src/linux/process.ts'
import { AskedProcess } from '../harness/asked-process.ts'
import { MEASURED_CPU } from '../harness/on-cpu.ts'

/** Where a receiver has its sockets: one for each of so many addresses from the first on. */
export interface ReceiverOptions {
  /** Path of receiver.c, compiled. */
  readonly program: string
  readonly address: string
  readonly count: number
  readonly port: number
}

/** `first` is the nanoseconds that its sockets took, an answer the datagrams and the nanoseconds of CPU time since the one before. */
export type Receiver = AskedProcess<number, readonly [datagrams: number, cpu: number]>

/** A process that reads datagrams as a server in C does, on the measured CPU. */
export async function startReceiver(netns: Netns, options: ReceiverOptions): Promise<Receiver> {
  const { program, address, count, port } = options
  const line = ['prlimit', `--nofile=${count + 100}`, program, address, `${count}`, `${port}`]
  const receiver: Receiver = await AskedProcess.start(netns, line)
  pinToCpu(receiver.pid, MEASURED_CPU)
  return receiver
}
