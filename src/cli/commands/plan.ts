import type { CommandSpec } from '../command.ts'
import { type ConfigOptions, configOption } from '../config-option.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatPlan } from '../format/plan.ts'

export const plan: CommandSpec<ConfigOptions> = {
  name: 'plan',
  summary: 'show what apply would change',
  group: 'read',
  examples: [
    ['seawall plan', 'what differs between the configuration and what is in force'],
    ['seawall plan --config next.yaml', 'the same for another file'],
  ],
  define: configOption,
  async run(session, { options }) {
    const config = session.configPath(options.config)
    const control = await session.control(config)
    const found = await session.progress('Planning', control.plan(config))
    session.result(found, () => formatPlan(session.colors, found))
    return exitCodes.ok
  },
}
