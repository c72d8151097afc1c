// As epoll-workers.py, by Node: node-workers.ts cluster|separate PORT MICROSECONDS.
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'

const WORKERS = 4
const [mode, port, microseconds] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])]

function serve(): void {
  let accepted = 0
  const server = createServer((_, response) => {
    const until = performance.now() + microseconds / 1_000
    while (performance.now() < until);
    response.end('ok')
  })
  server.on('connection', () => accepted++)
  const own = Number(process.env.WORKER)
  const at = mode === 'cluster' ? { port } : { port: port + own, host: '127.0.0.1', exclusive: true }
  server.listen({ ...at, backlog: 4_096 }, () => process.send!('ready'))
  process.on('message', () => {
    process.send!(accepted)
    accepted = 0
  })
}

async function ask(worker: Worker): Promise<number> {
  worker.send('count')
  const [count] = await once(worker, 'message')
  return count
}

async function lead(): Promise<void> {
  const workers = Array.from({ length: WORKERS }, (_, index) => cluster.fork({ WORKER: index }))
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  console.log(JSON.stringify(workers.map(({ process: { pid } }) => pid)))
  for await (const _ of createInterface(process.stdin)) console.log(JSON.stringify(await Promise.all(workers.map(ask))))
  for (const worker of workers) worker.process.kill('SIGKILL')
}

if (cluster.isPrimary) await lead()
else serve()
