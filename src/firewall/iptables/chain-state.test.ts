import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readChain } from './chain-state.ts'
import { isSame, restoreText } from './restore.ts'

const foreign = ['[5:300] -A PREROUTING -i lo -j ACCEPT', '[0:0] -A PREROUTING -s 192.0.2.1/32 -j ours']
const jump = '-A PREROUTING -i eth0 -m comment --comment seawall -j SEAWALL'
const rule = '-A SEAWALL -m set --match-set seawall4-bad-0a1b2c3d src -m comment --comment "seawall:bad" -j DROP'
const malformed = '-A SEAWALL -m bpf --object-pinned /x/y -m comment --comment "seawall malformed" -j DROP'

const saved = (...rules: string[]) =>
  ['# Generated', '*raw', ':PREROUTING ACCEPT [1:2]', ':SEAWALL - [0:0]', ':ours - [0:0]', ...rules, 'COMMIT', ''].join(
    '\n',
  )

const read = (...rules: string[]) => readChain(saved(...rules), 'iptables-save')

test('readChain() finds chain, counters and jumps among the rules of others', () => {
  assert.deepEqual(read(foreign[0]!, `[0:0] ${jump}`, foreign[1]!, `[7:420] ${rule}`), {
    lines: [{ text: rule, packets: 7, bytes: 420 }],
    jumps: [{ text: jump, place: 2 }],
  })
  assert.deepEqual(readChain('*raw\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n', 'x'), { lines: undefined, jumps: [] })
})

test('readChain() refuses rules of others in the chain, and ways of others to it', () => {
  const refused = (text: string, why: RegExp) =>
    assert.throws(() => read(`[0:0] ${text}`), { code: 'IPTABLES_FOREIGN', message: why })
  refused('-A SEAWALL -s 192.0.2.1/32 -j ACCEPT', /has a rule that is not Seawall's: "-A SEAWALL -s 192.0.2.1\/32/)
  refused('-A OUTPUT -j SEAWALL', /a rule that is not Seawall's leads to chain SEAWALL: "-A OUTPUT -j SEAWALL"/)
  refused('-A PREROUTING -g SEAWALL', /leads to chain SEAWALL/)
})

test('readChain() refuses a table of nft that iptables cannot show', () => {
  for (const what of [
    "is incompatible, use 'nft' tool.",
    "contains incompatible base-chains, use 'nft' tool to list them.",
  ]) {
    const text = `# Table \`raw' ${what}\n*raw\nCOMMIT\n`
    assert.throws(() => readChain(text, 'iptables-nft-save'), /has rules of nftables that iptables cannot show/)
  }
})

test('restoreText() makes the chain, and the jump the first of all', () => {
  const wanted = { lines: [{ text: rule, packets: 7, bytes: 420 }], jumps: [{ text: jump, place: 1 }] }
  const made = restoreText({ lines: undefined, jumps: [] }, wanted)
  assert.equal(
    made,
    `*raw\n:SEAWALL - [0:0]\n[7:420] ${rule}\n${jump.replace('-A PREROUTING', '-I PREROUTING 1')}\nCOMMIT\n`,
  )
  const present = read(`[0:0] ${jump}`, foreign[0]!, `[9:540] ${rule}`)
  assert.ok(isSame(present, wanted), 'counters do not matter')
  const second = read(foreign[0]!, `[0:0] ${jump}`, `[9:540] ${rule}`)
  assert.ok(!isSame(second, wanted), 'the place of the jump matters')
  assert.match(restoreText(second, wanted), /^\*raw\n-D PREROUTING -i eth0 .*\n:SEAWALL/)
  assert.match(restoreText(wanted, second), /\n-I PREROUTING 2 -i eth0 .*\nCOMMIT\n$/)
})

test('restoreText() leaves the jumps alone when only rules change, and takes everything out', () => {
  const present = read(`[0:0] ${jump}`, `[9:540] ${rule}`)
  const more = { ...present, lines: [{ text: malformed, packets: 0, bytes: 0 }, ...present.lines!] }
  assert.equal(restoreText(present, more), `*raw\n:SEAWALL - [0:0]\n[0:0] ${malformed}\n[9:540] ${rule}\nCOMMIT\n`)
  const gone = restoreText(present, { lines: undefined, jumps: [] })
  assert.equal(gone, `*raw\n${jump.replace('-A', '-D')}\n-F SEAWALL\n-X SEAWALL\nCOMMIT\n`)
})
