import { defineConfig } from 'seawall'
import before from './seawall.config.ts'

const { sets = {}, rules = [] } = before.firewall ?? {}

/** The same, and a rule against the connection requests that got through so far: no real client sends them bare. */
export default defineConfig({
  ...before,
  firewall: {
    sets,
    rules: [...rules.slice(0, -1), 'bare-syn: drop if tcp.flags.syn and not tcp.options', ...rules.slice(-1)],
  },
})
