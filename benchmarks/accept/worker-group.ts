import type { Netns } from '../../src/linux/netns.ts'
import { AskedProcess } from '../harness/asked-process.ts'

/** How processes come by their listening sockets, as epoll-workers.py and node-workers.ts know it. */
export type Listening = 'shared' | 'exclusive' | 'reuseport' | 'cluster' | 'separate'

export interface WorkerOptions {
  readonly server: 'epoll' | 'node'
  readonly listening: Listening
  readonly port: number
  /** Microseconds of work a request. */
  readonly work: number
}

/** Processes that accept connections and answer HTTP: `first` are their ids, an answer what each has accepted since the one before. */
export type WorkerGroup = AskedProcess<readonly number[], readonly number[]>

const pathOf = (name: string): string => new URL(name, import.meta.url).pathname

const PROGRAMS = {
  epoll: ['python3', pathOf('epoll-workers.py')],
  node: [process.execPath, ...process.execArgv, pathOf('node-workers.ts')],
} as const

/** All of them listen when this is done. */
export function startWorkers(netns: Netns, { server, listening, port, work }: WorkerOptions): Promise<WorkerGroup> {
  return AskedProcess.start(netns, [...PROGRAMS[server], listening, `${port}`, `${work}`])
}
