import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Finding } from './finding.ts'
import { describe, type InterfaceFacts } from './interfaces.ts'
import { atLeast, capabilities, jit, kernel, memlock, node } from './system.ts'

test('atLeast() compares versions by number', () => {
  assert.equal(atLeast('6.1.0-13-amd64', 5, 15), true)
  assert.equal(atLeast('5.9.0', 5, 15), false)
  assert.equal(atLeast('5.15', 5, 15), true)
  assert.equal(atLeast('Linux', 5, 15), undefined)
})

test('kernel() and node() refuse what is too old', () => {
  assert.equal(kernel('6.1.0').level, 'ok')
  assert.equal(kernel('5.17.9').level, 'problem')
  assert.equal(kernel('unknown').level, 'problem')
  assert.equal(node('20.0.0').level, 'ok')
  assert.equal(node('18.19.0').level, 'problem')
})

test('capabilities() wants CAP_NET_ADMIN and CAP_SYS_ADMIN', () => {
  const effective = (...bits: number[]) => {
    const mask = bits.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n)
    return `CapEff:\t${mask.toString(16).padStart(16, '0')}\n`
  }
  assert.equal(capabilities(effective(12, 21)).level, 'ok')
  assert.equal(capabilities(effective(12, 38, 39)).level, 'problem')
  assert.match(capabilities(effective()).found, /CAP_NET_ADMIN, CAP_SYS_ADMIN/)
})

test('memlock() matters only before Linux 5.11', () => {
  const limits = 'Max locked memory         65536                65536                bytes\n'
  assert.equal(memlock('6.1.0', limits).level, 'ok')
  assert.equal(memlock('5.10.0', limits).level, 'warning')
  assert.equal(memlock('5.10.0', limits.replaceAll('65536', 'unlimited')).level, 'ok')
})

test('jit() warns when programs are interpreted', () => {
  assert.equal(jit('1\n').level, 'ok')
  assert.equal(jit('0\n').level, 'warning')
  assert.equal(jit(undefined).level, 'note')
})

const good: InterfaceFacts = {
  name: 'eth0',
  up: true,
  mtu: 1_500,
  driver: 'mlx5_core',
  largeReceiveOffload: false,
  ours: false,
}
const levels = (findings: readonly Finding[]) => findings.map((finding) => `${finding.check} ${finding.level}`)

test('describe() has nothing against a good interface', () => {
  assert.deepEqual(levels(describe(good, '6.1.0')), [
    'interface.eth0 ok',
    'interface.eth0.driver ok',
    'interface.eth0.mtu ok',
  ])
})

test('describe() finds everything that is in the way of native XDP, each with a remedy', () => {
  const bad: InterfaceFacts = {
    ...good,
    up: false,
    mtu: 9_000,
    driver: 'r8169',
    largeReceiveOffload: true,
    program: 'xdp_pass',
  }
  const findings = describe(bad, '6.1.0')
  assert.deepEqual(levels(findings), [
    'interface.eth0 warning',
    'interface.eth0.driver warning',
    'interface.eth0.mtu warning',
    'interface.eth0.lro warning',
    'interface.eth0.program problem',
  ])
  for (const finding of findings) assert.ok(finding.remedy, finding.check)
})

test('describe() knows its own program from that of others', () => {
  const [, , , program] = describe({ ...good, program: 'entry', ours: true }, '6.1.0')
  assert.deepEqual([program!.check, program!.level], ['interface.eth0.program', 'ok'])
  const [, , , unknown] = describe({ ...good, program: 'entry', ours: undefined }, '6.1.0')
  assert.equal(unknown!.level, 'note')
})

test('describe() knows since when a driver can', () => {
  assert.equal(describe({ ...good, driver: 'vmxnet3' }, '6.1.0')[1]!.level, 'warning')
  assert.equal(describe({ ...good, driver: 'vmxnet3' }, '6.6.0')[1]!.level, 'ok')
})
