import assert from 'node:assert/strict'
import { existsSync, fstatSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type DescriptorMessage, DescriptorServer } from './descriptor-server.ts'
import { ended, start } from './process.ts'

const folder = mkdtempSync(join(tmpdir(), 'seawall-descriptors-'))
after(() => rmSync(folder, { recursive: true }))

/** Sends a text with as many pipes as there are bytes in it, and prints the answer. */
const CLIENT = `
import os, socket, sys
one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
one.connect(sys.argv[1])
socket.send_fds(one, [sys.argv[2].encode()], [os.pipe()[0] for _ in sys.argv[2]])
print(os.getpid(), one.recv(100).decode())
`

test('DescriptorServer hands over descriptors with text and process, and sends the answer', async () => {
  const path = join(folder, 'a.sock')
  const messages: DescriptorMessage[] = []
  const server = DescriptorServer.listen(path, async (message) => {
    assert.ok(message.descriptors.every((fd) => fstatSync(fd).isFIFO()))
    messages.push(message)
    return `got ${message.descriptors.length}`
  })
  assert.equal(statSync(path).mode & 0o777, 0o600)
  for (const text of ['web', 'x'.repeat(250)]) {
    const { stdout } = await ended(start('python3', ['-c', CLIENT, path, text], { stdio: 'pipe' }))
    const { pid, descriptors, ...message } = messages.pop()!
    assert.deepEqual([message.text, descriptors.length], [text, text.length])
    assert.equal(stdout, `${pid} got ${text.length}\n`)
    for (const fd of descriptors) assert.throws(() => fstatSync(fd), { code: 'EBADF' })
  }
  server.close()
  server.close()
  assert.equal(existsSync(path), false)
})

test('DescriptorServer takes the place of a socket that nobody has open, and refuses a path that is too long', () => {
  const path = join(folder, 'b.sock')
  const first = DescriptorServer.listen(path, async () => '')
  DescriptorServer.listen(path, async () => '').close()
  first.close()
  assert.throws(() => DescriptorServer.listen(`/${'x'.repeat(120)}`, async () => ''), { message: /at most 107 bytes/ })
  assert.throws(() => DescriptorServer.listen('/proc/none/x.sock', async () => ''))
})
