import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { NotifyServer } from './notify-server.ts'
import { ended, start } from './process.ts'

const folder = mkdtempSync(join(tmpdir(), 'seawall-notify-'))
after(() => rmSync(folder, { recursive: true }))

const NOTIFIER = `
import os, socket, sys
one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
one.connect(sys.argv[1])
socket.send_fds(one, [b"READY=1\\nSTATUS=it serves"], [0])
one.send(b"x" * 5000)
print(os.getpid())
`

test('NotifyServer tells what a process says, and which one it is', async () => {
  const path = join(folder, 'notify.sock')
  const said: { assignments: readonly string[]; pid: number }[] = []
  const server = NotifyServer.listen(path, (assignments, pid) => said.push({ assignments, pid }))
  const { stdout } = await ended(start('python3', ['-c', NOTIFIER, path], { stdio: 'pipe' }))
  while (said.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.deepEqual(said[0], { assignments: ['READY=1', 'STATUS=it serves'], pid: Number(stdout) })
  server.close()
  server.close()
  assert.equal(existsSync(path), false)
})

test('NotifyServer says why it cannot receive', () => {
  assert.throws(() => NotifyServer.listen('/proc/none/x.sock', () => undefined))
})
