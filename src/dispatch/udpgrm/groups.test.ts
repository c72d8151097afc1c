import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DissectorType } from '../../generated/udpgrm.ts'
import type { TableSocket } from '../../linux/socket-table.ts'
import { bindingWords } from '../binding.ts'
import { bindingsOf, isGroupLabel, labelOf } from './groups.ts'
import { othersOf } from './others.ts'

const [AF_INET, AF_INET6] = [2, 10]
const flow = {
  type: DissectorType.DissectorFlow,
  timeout: 0,
  maxApps: 0,
  digest: 0,
  label: '',
  filterLength: 0,
  filter: [],
}
const noop = { ...flow, type: DissectorType.DissectorNoop }
const group = (family: number, ...address: readonly number[]) => ({ family, address, port: 443 })
const [one4, all4] = [group(AF_INET, 0xc000_0201, 0, 0, 0), group(AF_INET, 0, 0, 0, 0)]
const [one6, all6] = [group(AF_INET6, 0x2001_0db8, 0, 0, 1), group(AF_INET6, 0, 0, 0, 0)]
const mapped = group(AF_INET6, 0, 0, 0xffff, 0xc000_0201)

test('a group has a label by its address and port', () => {
  assert.deepEqual([one4, all4, one6, all6].map(labelOf), [
    'udpgrm-192.0.2.1:443',
    'udpgrm-0.0.0.0:443',
    'udpgrm-[2001:db8::1]:443',
    'udpgrm-[::]:443',
  ])
  assert.ok([one4, all4, one6, all6].map(labelOf).every(isGroupLabel))
  assert.deepEqual(['web', 'udpgrm-', 'udpgrm-web', 'udpgrm-others'].map(isGroupLabel), [false, false, false, true])
})

test('a group is bound to its address, or to all of its families', () => {
  const prefixes = (...of: Parameters<typeof bindingsOf>) =>
    bindingsOf(...of).map((one) => `${bindingWords(one).prefix} ${bindingWords(one).port}`)
  assert.deepEqual(prefixes(one4, flow, false), ['192.0.2.1/32 443'])
  assert.deepEqual(prefixes(one6, flow, false), ['2001:db8::1/128 443'])
  assert.deepEqual(prefixes(mapped, flow, true), ['192.0.2.1/32 443'])
  assert.deepEqual(prefixes(all4, flow, false), ['0.0.0.0/0 443'])
  assert.deepEqual(prefixes(all6, flow, false), ['::/0 443'])
  assert.deepEqual(prefixes(all6, flow, true), ['::/0 443', '0.0.0.0/0 443'])
})

test('a dissector is a policy', () => {
  const policy = (dissector: typeof flow | typeof noop) => {
    const { missing, spread, flows, idle } = bindingWords(bindingsOf(one4, dissector, false)[0]!)
    return [missing, spread, flows, idle]
  }
  assert.deepEqual(policy(flow), ['pass', 'client', 'answer', '2m5s'])
  assert.deepEqual(policy({ ...flow, timeout: 30 }), ['pass', 'client', 'answer', '30s'])
  assert.deepEqual(policy({ ...flow, timeout: 0xffff_ffff }), ['pass', 'client', 'answer', '1d'])
  assert.deepEqual(policy({ ...noop, timeout: 30 }), ['pass', 'client', 'none', '2m'])
})

test('a dissector with a program is one for cookies', () => {
  const filter = [
    { code: 0x28, jt: 0, jf: 0, k: 0 },
    { code: 0x16, jt: 0, jf: 0, k: 0 },
    { code: 0, jt: 0, jf: 0, k: 0 },
  ]
  const cbpf = { ...flow, type: DissectorType.DissectorCbpf, filter, filterLength: 2 }
  const { flows, cookie } = bindingWords(bindingsOf(one4, cbpf, false)[0]!)
  assert.deepEqual([flows, cookie], ['cookie', '2,40 0 0 0,22 0 0 0'])
  assert.throws(() => bindingsOf(one4, { ...cbpf, filterLength: 1 }, false), {
    code: 'SEAWALL_INPUT',
    message: /goes on behind the end/,
  })
})

test('sockets of one address keep it where a group has all', () => {
  const socket = (address: string, port: number, protocol: 'tcp' | 'udp' = 'udp'): TableSocket => {
    return { protocol, address, port, state: 'open', waiting: 0, inode: 1 }
  }
  const sockets = [
    socket('0.0.0.0', 443),
    socket('::', 443),
    socket('192.0.2.9', 443),
    socket('192.0.2.9', 443),
    socket('192.0.2.9', 444),
    socket('192.0.2.8', 443, 'tcp'),
    socket('2001:db8::9', 443),
    socket('::ffff:c000:207', 443),
  ]
  const others = (...groups: Parameters<typeof othersOf>[0]) =>
    othersOf(groups, sockets).map((one) => {
      const { label, prefix, port, missing } = bindingWords(one)
      return `${label} ${prefix} ${port} ${missing}`
    })
  assert.deepEqual(others(one4, one6), [])
  assert.deepEqual(others(all4), [
    'udpgrm-others 192.0.2.9/32 443 pass',
    'udpgrm-others 2001:db8::9/128 443 pass',
    'udpgrm-others 192.0.2.7/32 443 pass',
  ])
})
