import { formatDuration } from '../entry/duration.ts'
import { formatPrefix, parsePrefix } from '../net/prefix.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import type { Session } from './session.ts'

/** `add` and `remove`, which differ in one word. */
export async function changeSet(session: Session, verb: 'add' | 'remove', args: readonly string[]): Promise<ExitCode> {
  const [name = '', text = ''] = args
  const set = name.replace(/^\$/, '')
  const prefix = formatPrefix(parsePrefix(text))
  const control = await session.control()
  const work = verb === 'add' ? control.addToSet(set, prefix) : control.deleteFromSet(set, prefix)
  const change = await session.progress(`Changing set ${set}`, work)
  session.result(change, () => {
    const { green, dim } = session.colors
    const took = dim(`(${formatDuration(change.tookMs)})`)
    if (verb === 'add') {
      return change.changed
        ? `${green('added')}  ${change.prefix} is in set ${change.set} ${took}\n`
        : `${green('unchanged')}  ${change.prefix} was in set ${change.set} already\n`
    }
    return change.changed
      ? `${green('removed')}  ${change.prefix} is no longer in set ${change.set} ${took}\n`
      : `${green('unchanged')}  ${change.prefix} was not in set ${change.set}\n`
  })
  return exitCodes.ok
}
