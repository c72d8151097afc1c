import { loadConfig } from '../../config/index.ts'
import type { CommandSpec } from '../command.ts'
import { type ConfigOptions, configOption } from '../config-option.ts'
import { exitCodes } from '../exit-codes.ts'
import { plural } from '../format/numbers.ts'
import { readSets } from '../read-sets.ts'

export const check: CommandSpec<ConfigOptions> = {
  name: 'check',
  summary: 'read a configuration and say what is wrong with it',
  details: 'Rules, names and every line of every set file are checked. Neither root nor the kernel is needed.',
  group: 'read',
  examples: [
    ['seawall check', 'the configuration of this folder'],
    ['seawall check --config edge.yaml --json', 'for a program'],
  ],
  define: configOption,
  async run(session, { options }) {
    const path = session.configPath(options.config)
    const loaded = await session.progress('Reading the configuration', loadConfig(path))
    const sets = [...(await session.progress('Reading the sets', readSets(loaded.desired)))].map(([name, set]) => ({
      name,
      prefixes: set.size,
    }))
    const { interfaces, rules, malformed } = loaded.desired
    const { balancer, dispatch } = loaded
    const document = {
      config: path,
      digest: loaded.digest,
      interfaces: interfaces.map((one) => one.name),
      rules: rules.length,
      sets,
      malformed,
      ...(dispatch === undefined ? {} : { bindings: dispatch.bindings.length }),
      ...(balancer === undefined ? {} : { services: balancer.services.length, backends: balancer.backends.length }),
    }
    session.result(document, () => {
      const prefixes = sets.reduce((sum, set) => sum + set.prefixes, 0)
      const what = [plural(interfaces.length, 'interface'), plural(rules.length, 'rule'), plural(sets.length, 'set')]
      const balanced =
        balancer === undefined
          ? ''
          : `, ${plural(balancer.services.length, 'service')} on ${plural(balancer.backends.length, 'backend')}`
      const dispatched = dispatch === undefined ? '' : `, ${plural(dispatch.bindings.length, 'binding')}`
      return `${session.colors.green('ok')}  ${path}: ${what.join(', ')} (${plural(prefixes, 'prefix', 'prefixes')})${balanced}${dispatched}\n`
    })
    return exitCodes.ok
  },
}
