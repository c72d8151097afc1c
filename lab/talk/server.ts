// A server that answers each line with its own name and the line: server.ts NAME PORT…
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'

const [name = '', ...ports] = process.argv.slice(2)

function serve(port: string): Promise<void> {
  const server = createServer((socket) => {
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    createInterface({ input: socket })
      .on('line', (line) => socket.write(`${name} ${line}\n`))
      .on('error', () => undefined)
  })
  return new Promise((resolve) => server.listen({ port: Number(port), host: '::', backlog: 4_096 }, resolve))
}

await Promise.all(ports.map(serve))
process.stdout.write('ready\n')
