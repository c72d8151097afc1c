import { defineConfig } from 'seawall'
import before from './seawall.config.ts'

/** The first configuration, and cookies as soon as SYNs come fast: no rule has to tell a bad SYN from a good one. */
export default defineConfig({
  ...before,
  firewall: { ...before.firewall, synCookies: { when: { synRate: '2k/s' } } },
})
