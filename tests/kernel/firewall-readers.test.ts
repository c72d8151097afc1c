import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, test } from 'node:test'
import { Firewall } from '../../src/firewall/index.ts'
import { ended, start } from '../../src/linux/process.ts'
import { Fixture, first } from './firewall-fixture.ts'

const CHANGES = 60
const READER = new URL('../support/state-reader.ts', import.meta.url).pathname
const fixture = new Fixture('readers')
after(() => fixture.remove())

test('who reads while rules change takes no lock, and never fails', async () => {
  const firewall = new Firewall(fixture.paths)
  await firewall.apply(await fixture.config(first))
  const reader = start(process.execPath, ['--import', 'tsx', READER, JSON.stringify(fixture.paths)], { stdio: 'pipe' })
  await once(reader.stdout!, 'data')
  for (let change = 0; change < CHANGES; change++) {
    await firewall.drop({ expr: 'udp.dstport == 7', id: 'seven' })
    await firewall.undo('seven')
  }
  const end = ended(reader)
  reader.stdin!.end()
  const { count, failures } = JSON.parse((await end).stdout.trim().split('\n').at(-1)!)
  assert.deepEqual(failures, [])
  assert.ok(count > CHANGES, `${count} reads`)
})
