import type { Step } from './changes.ts'
import { IptablesError } from './errors.ts'
import { restoreText } from './restore.ts'
import type { Tools } from './tools.ts'

/**
 * Makes all steps, or none: each family changes at once, and if one fails, the one before is put back.
 *
 * @throws what the step failed with; IptablesError IPTABLES_NOT_PUT_BACK if one could not be put back either
 */
export async function transact(tools: Tools, steps: readonly Step[]): Promise<void> {
  const done: Step[] = []
  for (const step of steps) {
    try {
      await tools.restore(step.family, restoreText(step.from, step.to))
      done.push(step)
    } catch (error) {
      await putBack(tools, done, error)
      throw error
    }
  }
}

async function putBack(tools: Tools, done: readonly Step[], why: unknown): Promise<void> {
  for (const { family, from, to } of [...done].reverse()) {
    try {
      await tools.restore(family, restoreText(to, from))
    } catch (error) {
      const where = `what ${tools.name(family, 'restore')} has done`
      throw new IptablesError(
        'IPTABLES_NOT_PUT_BACK',
        `${messageOf(why)}; and ${where} could not be put back: ${messageOf(error)} (run seawall iptables apply or undo again)`,
        { cause: new AggregateError([why, error]) },
      )
    }
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
