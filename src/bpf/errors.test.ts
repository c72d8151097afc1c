import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BpfError, UnsupportedError, VerifierError } from './errors.ts'
import { errnoName } from './ffi/errno.ts'

test('VerifierError says the reason and where, not registers and statistics', () => {
  const log = [
    '0: R1=ctx() R10=fp0',
    '0: (71) r0 = *(u8 *)(r0 +0)           ; R0=scalar()',
    "R0 invalid mem access 'scalar'",
    'processed 1 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0',
  ]
  const error = new VerifierError('EACCES', 'load xdp program "x"', log)
  assert.equal(error.summary, "R0 invalid mem access 'scalar' at instruction 0: (71) r0 = *(u8 *)(r0 +0)")
  assert.equal(
    error.message,
    `Cannot load xdp program "x": the verifier said "${error.summary}" (see the log of this error)`,
  )
  assert.equal(error.log, log)
  assert.ok(error instanceof BpfError)
})

test('VerifierError takes the last line of a log that explains nothing', () => {
  assert.equal(new VerifierError('E2BIG', 'load', ['processed 9 insns']).summary, 'processed 9 insns')
  assert.equal(new VerifierError('E2BIG', 'load', []).summary, 'nothing')
})

test('UnsupportedError names the kernel that can', () => {
  const error = new UnsupportedError('TCX links', '6.6')
  assert.equal(error.message, 'Cannot use TCX links: this kernel does not have it (wanted Linux 6.6 or newer)')
})

test('errnoName() knows both signs, libbpf’s own codes, and numbers without a name', () => {
  assert.deepEqual([-16, 16, -11, 4001, 524, 9999].map(errnoName), [
    'EBUSY',
    'EBUSY',
    'EAGAIN',
    'LIBBPF_FORMAT',
    'ENOTSUPP',
    'errno 9999',
  ])
})
