import type { BackendState } from '../../balancer/index.ts'
import type { CommandSpec } from '../command.ts'
import { exitCodes, usageError } from '../exit-codes.ts'
import { formatBackends, STATES } from '../format/backends.ts'

interface BackendsFlags {
  readonly state: string
}

export const backends: CommandSpec<BackendsFlags> = {
  name: 'backends',
  summary: "list the balancer's backends with their state",
  details: `An active backend owns buckets; a draining one gets no new connections but may still have some, a drained one has
none. One is down when its checks fail for all of its services; NOTE has the reason.`,
  group: 'read',
  examples: [
    ['seawall backends', 'a table'],
    ['seawall backends --state down,draining', 'only those that are not in full service'],
    ['seawall backends --json', 'with every field'],
  ],
  define: (command) => void command.option('--state <names>', 'only those in one of the states', STATES.join(',')),
  async run(session, { options }) {
    const states = readStates(options.state)
    const control = await session.control()
    const found = await session.progress('Reading the tables', control.backends())
    session.result(
      found.filter(({ state }) => states.includes(state)),
      () => formatBackends(session, found, states),
    )
    return exitCodes.ok
  },
}

function readStates(text: string): BackendState[] {
  const names = text.split(',').map((name) => name.trim())
  const wrong = names.find((name) => !STATES.some((state) => state === name))
  if (wrong === undefined) return STATES.filter((state) => names.includes(state))
  throw usageError(`Cannot use --state "${text}": found "${wrong}", wanted some of ${STATES.join(', ')}`)
}
