import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAddress } from '../../net/address.ts'
import { parsePrefix } from '../../net/prefix.ts'
import { addressIn } from './target.ts'

test('addressIn() is the address of a single one, and the second of several', () => {
  const cases = {
    '192.0.2.53/32': '192.0.2.53',
    '192.0.2.52/31': '192.0.2.52',
    '192.0.2.0/24': '192.0.2.1',
    '2001:db8:53::53/128': '2001:db8:53::53',
    '2001:db8:53::/64': '2001:db8:53::1',
  }
  for (const [prefix, address] of Object.entries(cases))
    assert.equal(formatAddress(addressIn(parsePrefix(prefix))), address)
})
