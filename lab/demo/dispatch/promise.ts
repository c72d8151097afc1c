import type { StageFigures } from './figures.ts'
import { sum } from './timeline.ts'

/** The stage in which servers are restarted as they are everywhere: something must be lost, or the demo shows nothing. */
export const PLAIN = 'plain'

/** What the demo promises and did not keep, as sentences; none if all is well. `players`: there all the time. */
export function broken(stages: readonly StageFigures[], players: number): string[] {
  return stages.flatMap((stage) => [
    ...brokenAlways(stage, players),
    ...(stage.name === PLAIN ? standing(stage) : brokenRestarts(stage)),
    ...brokenStory(stage),
  ])
}

/** `NAME: FOUND WHAT, wanted WANTED` for each that is wrong. */
function unequal(name: string, wanted: number, found: Readonly<Record<string, number>>): string[] {
  return Object.entries(found)
    .filter(([, count]) => count !== wanted)
    .map(([what, count]) => `${name}: ${count} ${what}, wanted ${wanted}`)
}

function brokenAlways({ name, web, game }: StageFigures, players: number): string[] {
  return [
    ...unequal(name, 0, { 'players had no answer': game.silent }),
    ...unequal(name, players, { 'players are there': game.players }),
    ...(web.sent === 0 ? [`${name}: there were no requests`] : []),
  ]
}

/** Nothing is lost, but with a process that is killed its own players. */
function brokenRestarts({ name, web, game, missing, done }: StageFigures): string[] {
  const { [done.killed?.server ?? '']: _, ...others } = game.strangers
  return unequal(name, 0, {
    'requests failed': web.failed,
    'players reached a process that did not know them': sum(others),
    'connections found no open socket': missing.web,
    'datagrams found no open socket': missing.game,
  })
}

function standing({ name, web, game }: StageFigures): string[] {
  const expected = 'expected some when servers restart without generations'
  return [
    ...(web.failed === 0 ? [`${name}: no request failed, ${expected}`] : []),
    ...(sum(game.strangers) === 0 ? [`${name}: no player reached a process that did not know him, ${expected}`] : []),
  ]
}

/** Runs that answered are as many as there were, and what was done has had an effect. */
function brokenStory({ name, web, game, done }: StageFigures): string[] {
  const answered = Object.keys(web.runs).length
  if (name === 'prefixes' && web.places < web.answered / 2)
    return [`${name}: ${web.places} places answered, wanted about as many as the ${web.answered} requests`]
  if (name === 'web' && answered !== (done.restarts ?? 0) + 1)
    return [`${name}: ${answered} runs of nginx answered, wanted ${(done.restarts ?? 0) + 1}`]
  if (name === 'bindings' && (answered !== 2 || (done.replaced?.times ?? 0) < 2))
    return [
      `${name}: ${answered} runs of nginx answered and bindings were replaced ${done.replaced?.times ?? 0} times, wanted 2 of either`,
    ]
  return brokenKill({ name, game, done })
}

function brokenKill({ name, game, done: { killed } }: Pick<StageFigures, 'name' | 'game' | 'done'>): string[] {
  if (killed === undefined) return []
  const moved = game.strangers[killed.server] ?? 0
  const left = game.servers[killed.server] ?? 0
  return [
    ...(moved === 0 ? [`${name}: no player of ${killed.server} moved, wanted some`] : []),
    ...(left === 0 ? [] : [`${name}: ${left} players are with ${killed.server}, which is dead, wanted none`]),
  ]
}
