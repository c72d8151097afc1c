import { defineConfig } from 'seawall'
import before from './seawall.config.ts'

const { rules = [] } = before.firewall ?? {}

/** The same, and a rule for SYNs that are not worth a cookie: no real client sends them without options. */
export default defineConfig({
  ...before,
  firewall: {
    ...before.firewall,
    rules: [...rules.slice(0, -1), 'bare-syn: drop if tcp.flags.syn and not tcp.options', ...rules.slice(-1)],
  },
})
