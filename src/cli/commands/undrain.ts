import type { CommandSpec } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { failureTexts, stateText } from '../format/backends.ts'
import { plural } from '../format/numbers.ts'

export const undrain: CommandSpec = {
  name: 'undrain',
  summary: 'give a drained backend its share of buckets again',
  details: `Only as many buckets move as its weight says; those in transition cannot move until that is over. If its checks
fail, it gets them when they succeed.`,
  group: 'change',
  examples: [['seawall undrain edge2', 'after it was rebooted']],
  define: (command) => void command.argument('<name>', 'name of the backend'),
  async run(session, { args }) {
    const control = await session.control()
    const backend = await session.progress('Moving buckets', control.undrain(args[0] ?? ''))
    session.result(backend, () => {
      const { name, state, buckets, failures } = backend
      const reasons = failureTexts(failures).map((text) => `  ${text}\n`)
      return `${stateText(session, state)}  ${name} owns ${plural(buckets, 'bucket')}\n${reasons.join('')}`
    })
    return exitCodes.ok
  },
}
