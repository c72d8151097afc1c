// Checks the backends of a configuration from a network namespace until it is killed: checking.ts NETNS CONFIG
import { HealthChecks } from '../../src/balancer/health/health-checks.ts'
import { loadConfig } from '../../src/config/index.ts'

const [netns = '', config = ''] = process.argv.slice(2)
const { balancer } = await loadConfig(config)
const checks = new HealthChecks({ paths: { bpf: '', run: '', netns }, onChange: () => undefined })
await checks.start(balancer!)
process.stdout.write('checking\n')
setInterval(() => undefined, 60_000)
