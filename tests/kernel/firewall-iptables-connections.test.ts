import assert from 'node:assert/strict'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ipBatch } from '../../src/linux/interface.ts'
import { createNetns, removeNetns } from '../../src/linux/netns.ts'
import { start, stop } from '../../src/linux/process.ts'
import { IptablesWorld, input } from './firewall-iptables-world.ts'

let world: IptablesWorld
let client: string
before(() => {
  world = new IptablesWorld()
  client = `${world.netns}-c`
  createNetns(client)
  ipBatch(world.netns, [`link set sea1 netns ${client}`])
  ipBatch(client, ['link set sea1 up', 'addr add 198.51.100.2/24 dev sea1', 'addr add 2001:db8::9/64 dev sea1 nodad'])
})
after(async () => {
  await world.remove()
  removeNetns(client)
})

const SERVER = `require('net').createServer((s) => s.on('error', () => {})).listen(80, '::', () => console.log('ready'))`

/** Opens five connections, says when one is there, and closes two of them when it is told to. */
const CLIENT = `
const open = []
for (let i = 0; i < 5; i++) {
  const socket = require('net').connect(80, process.argv[1])
  socket.on('error', () => {}).on('connect', () => { open.push(socket); console.log('connected') })
}
process.stdin.once('data', () => { for (const socket of open.splice(0, 2)) socket.destroy() })`

/** The lines that a process prints, one at a time. */
function linesOf(child: ReturnType<typeof start>): () => Promise<string | undefined> {
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  return async () => (await lines.next()).value as string | undefined
}

for (const variant of ['nft', 'legacy'] as const) {
  for (const [family, address] of [
    ['ipv4', '198.51.100.1'],
    ['ipv6', '2001:db8::2'],
  ] as const) {
    test(`conn.count lets a source have so many connections and no more (${variant}, ${family})`, {
      timeout: 60_000,
    }, async () => {
      const iptables = world.open(variant)
      await iptables.apply(input(['many: drop if tcp.flags == S and conn.count per ip.src > 2']))
      const pipes = ['pipe', 'pipe', 'inherit'] as const
      const children = [start(process.execPath, ['-e', SERVER], { netns: world.netns, stdio: [...pipes] })]
      try {
        assert.equal(await linesOf(children[0]!)(), 'ready')
        const peer = start(process.execPath, ['-e', CLIENT, address], { netns: client, stdio: [...pipes] })
        children.push(peer)
        const line = linesOf(peer)
        for (let i = 0; i < 3; i++) assert.equal(await line(), 'connected')
        const until = performance.now() + 10_000
        while ((await iptables.status()).rules[0]![family].packets < 2 && performance.now() < until) await sleep(50)
        assert.ok((await iptables.status()).rules[0]![family].packets >= 2, 'two that are too many')
        peer.stdin!.write('close\n')
        // What was dropped is sent again, and finds room.
        for (let i = 0; i < 2; i++) assert.equal(await line(), 'connected')
      } finally {
        for (const child of children) await stop(child)
        await iptables.undo()
      }
    })
  }
}
