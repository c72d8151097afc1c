import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toolError } from './tool-error.ts'

const failed = (stderr: string, input?: string) =>
  toolError({ program: 'iptables-restore', args: ['-n'], stderr, ...(input === undefined ? {} : { input }) })

test('toolError() says how long another program has held the lock', () => {
  const error = failed('Another app is currently holding the xtables lock. Stopped waiting after 5s.\n')
  assert.equal(error.code, 'IPTABLES_LOCKED')
  assert.match(error.message, /another program has held the xtables lock for 5 s \(wait for it, or see fuser/)
})

test('toolError() names the package or the module that is missing', () => {
  const missing = (stderr: string, what: RegExp) => {
    const error = failed(stderr)
    assert.equal(error.code, 'IPTABLES_MISSING')
    assert.match(error.message, what)
  }
  missing("iptables-restore v1.8.9 (legacy): Couldn't load match `bpf':No such file or directory\n", /libxt_bpf\.so/)
  missing(
    'Warning: Extension bpf revision 1 not supported, missing kernel module?\niptables-restore: line 3 failed\n',
    /the kernel has no module xt_bpf \(modprobe xt_bpf\)/,
  )
  missing('ipset v7.17: Cannot open session to kernel.\n', /no module ip_set/)
  missing(
    "iptables v1.8.9 (legacy): can't initialize iptables table `raw': Table does not exist\n",
    /modprobe iptable_raw/,
  )
})

test('toolError() asks for root where rights are missing', () => {
  const stderr = 'iptables-nft-save v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied\n'
  const error = failed(stderr)
  assert.equal(error.code, 'SEAWALL_PERMISSION')
  assert.match(error.message, /Permission denied \(run as root\)$/)
})

test('toolError() shows the line that was refused, and no remarks about other tables', () => {
  const stderr = '# Warning: iptables-legacy tables present\niptables-restore: line 2 failed: Bad rule.\n'
  const error = failed(stderr, '*raw\n-D PREROUTING -j X\nCOMMIT\n')
  assert.equal(error.code, 'IPTABLES_FAILED')
  assert.match(error.message, /: iptables-restore: line 2 failed: Bad rule\., at "-D PREROUTING -j X" \(nothing was/)
})
