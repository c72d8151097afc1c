// A server that answers each line with its own name and the line: server.ts NAME PORT
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'

const [name = '', port = ''] = process.argv.slice(2)

const server = createServer((socket) => {
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  createInterface({ input: socket })
    .on('line', (line) => socket.write(`${name} ${line}\n`))
    .on('error', () => undefined)
})
server.listen({ port: Number(port), host: '::', backlog: 4_096 }, () => process.stdout.write('ready\n'))
