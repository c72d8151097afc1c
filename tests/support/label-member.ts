// A Node server of which several runs follow each other: label-member.ts RUN LABEL NAME ADDRESS PORT. It joins the label, says that it is
// ready when a line comes, and prints what happens.
import { once } from 'node:events'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { joinLabel } from '../../src/dispatch/index.ts'

const [run, label, name, host, port] = process.argv.slice(2) as [string, string, string, string, string]

const server = createServer((socket) => socket.end(name)).listen(Number(port), host)
await once(server, 'listening')
const member = await joinLabel(label, server, { run })
member.once('drain', () => {
  console.log('drain')
  server.close(() => process.exit())
})
createInterface(process.stdin).on('line', () => void member.ready().then(() => console.log('said')))
console.log('ready\njoined')
