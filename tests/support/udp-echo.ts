import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Netns } from '../../src/linux/netns.ts'
import { udpSocketIn } from './sockets.ts'

/** Milliseconds that an answer may take on a machine that is busy. */
const PATIENCE_MS = 60_000

export interface EchoPlace {
  readonly netns: Netns
  readonly address: string
  readonly port: number
}

/** Sends back each datagram; returns how to end it. */
export function startEcho({ netns, address, port }: EchoPlace): () => void {
  const socket = udpSocketIn(netns, port, address)
  socket.on('message', (data, from) => socket.send(data, from.port, from.address))
  return () => socket.close()
}

/** Whether a datagram from one place is sent back by another, where nothing may be sent twice. */
export async function isEchoed(from: EchoPlace, to: Omit<EchoPlace, 'netns'>, data: Buffer, patienceMs = PATIENCE_MS) {
  const socket = udpSocketIn(from.netns, from.port, from.address)
  const answers: Buffer[] = []
  socket.on('message', (answer) => answers.push(answer))
  try {
    socket.send(data, to.port, to.address)
    for (const end = performance.now() + patienceMs; answers.length === 0 && performance.now() < end; ) await sleep(5)
    if (answers.length > 0) assert.deepEqual(answers, [data])
    return answers.length > 0
  } finally {
    socket.close()
  }
}
