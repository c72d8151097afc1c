import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { exitCodes } from '../../src/cli/exit-codes.ts'
import type { IptablesPlan, IptablesResult, IptablesStatus } from '../../src/firewall/iptables/index.ts'
import { ended, start } from '../../src/linux/process.ts'
import { runSeawall } from '../cli/run-seawall.ts'
import { IptablesWorld } from './firewall-iptables-world.ts'

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname

let world: IptablesWorld
let config: string
before(() => {
  world = new IptablesWorld()
  config = join(world.folder, 'seawall.yaml')
  configure('{ id: dns, limit: udp.dstport == 53, rate: 30k/s }')
})
after(() => world.remove())

function configure(rule: string): void {
  writeFileSync(config, `interfaces: [sea0]\nfirewall:\n  sets: { bad: [192.0.2.0/24] }\n  rules:\n    - ${rule}\n`)
}

const environment = () => ({
  SEAWALL_NETNS: world.netns,
  SEAWALL_PINS: world.paths.bpf,
  SEAWALL_RUN: world.paths.run,
  SEAWALL_CONFIG: config,
})
const run = (line: string) => runSeawall(['iptables', ...line.split(' ')], { env: environment() })

async function json<T>(line: string): Promise<T> {
  const { code, stdout, stderr } = await run(`${line} --json`)
  assert.deepEqual([code, stderr], [exitCodes.ok, ''], stdout)
  return JSON.parse(stdout) as T
}

test('seawall iptables plan shows what apply does, with warnings, and changes nothing', async () => {
  const saved = world.save('nft')
  const { code, stdout } = await run('plan --variant nft')
  assert.equal(code, 0)
  assert.match(stdout, /^\+ program {2}[0-9a-f]{16} {2}udp\.dstport == 53$/m)
  assert.match(stdout, /^\+ rule {2}ip6tables -A SEAWALL -m bpf .* --comment "seawall:dns" -j DROP$/m)
  assert.match(stdout, /^\+ jump {2}iptables -A PREROUTING -i sea0 /m)
  assert.match(stdout, /^warning: rule "dns": 30000\/s is kept as 30303\/s$/m)
  assert.match(stdout, /^warning: rule "dns": IPv4 and IPv6 are limited apart, to 30000\/s each$/m)
  assert.match(stdout, /\n8 changes; iptables nft, table raw\n$/)
  const plan = await json<IptablesPlan>('plan')
  assert.deepEqual([plan.fresh, plan.commits.map(({ family }) => family)], [true, [4, 6]])
  assert.match(plan.commits[0]!.text, /^\*raw\n:SEAWALL - \[0:0\]\n/)
  assert.equal(world.save('nft'), saved)
})

test('seawall iptables apply, status and undo are a whole life', async () => {
  assert.equal((await json<IptablesResult>('apply --variant nft')).changed, true)
  assert.match(
    (await run('apply --variant nft')).stdout,
    /nothing to change; .*\nunchanged {2}there was nothing to do\n$/,
  )
  const status = await json<IptablesStatus>('status --variant nft')
  assert.deepEqual([status.table, status.interfaces, status.rules.map(({ id }) => id)], ['raw', ['sea0'], ['dns']])
  assert.match(
    (await run('status --variant nft')).stdout,
    /^RULE +TARGET +IPV4 PACKETS [\s\S]*\ndns +DROP +0 +0 +0 +0\n\(malformed\)/m,
  )
  assert.match((await run('undo --variant nft')).stdout, /^- rule {2}iptables [\s\S]*\nundone\n$/)
  assert.equal((await run('status --variant nft')).code, exitCodes.notUp)
  assert.equal((await json<IptablesResult>('undo --variant nft')).changed, false)
})

test('seawall iptables ends with the exit code of what went wrong', async () => {
  const fails = async (line: string, code: number, message: RegExp) => {
    const done = await run(line)
    assert.equal(done.code, code, done.stderr)
    assert.match(done.stderr, message)
  }
  await fails('remove', exitCodes.usage, /Allowed choices are plan, apply, undo, status/)
  await fails('plan --variant old', exitCodes.usage, /Allowed choices are nft, legacy/)
  await fails('plan --config /nonexistent.yaml', exitCodes.usage, /nonexistent\.yaml/)
  configure('{ id: mac, drop: eth.src == 02:00:00:00:00:09 }')
  await fails(
    'apply --variant nft',
    exitCodes.unsupported,
    /it cannot keep one thing of it\n {2}Cannot compile rule "mac" for iptables/,
  )
  configure('{ id: bad, drop: ip.src in $bad }')
  world.run('iptables-nft-restore', ['-n'], '*raw\n:SEAWALL - [0:0]\n-A SEAWALL -j DROP\nCOMMIT\n')
  await fails('apply --variant nft', exitCodes.refused, /a rule that is not Seawall's: "-A SEAWALL -j DROP" \(move it/)
  world.run('iptables-nft-restore', ['-n'], '*raw\n-F SEAWALL\n-X SEAWALL\nCOMMIT\n')
})

test('seawall iptables needs root', async () => {
  const user = ['--reuid', '65534', '--clear-groups', process.execPath, '--import', 'tsx', MAIN, 'iptables', 'undo']
  const env = { ...process.env, ...environment() }
  const { code, stderr } = await ended(start('setpriv', user, { env, stdio: 'pipe' }))
  assert.equal(code, exitCodes.privilege, stderr)
  assert.match(stderr, /without CAP_NET_ADMIN, CAP_SYS_ADMIN: reading and changing iptables needs root/)
})
