import type { StageFigures } from './figures.ts'

/** The server that leaves, and the one that joins. */
export const LEAVES = 'edge1'
export const JOINS = 'edge3'

/** What the demo promises and did not keep, as sentences; none if all is well. `connections`: open all the time. */
export function broken(stages: readonly StageFigures[], connections: number): string[] {
  return stages.flatMap((stage) => [...brokenConnections(stage, connections), ...brokenStory(stage)])
}

function brokenConnections(stage: StageFigures, connections: number): string[] {
  const wrong = (['failed', 'lost', 'moved', 'silent'] as const)
    .filter((what) => stage[what] !== 0)
    .map((what) => `${stage.name}: ${stage[what]} connections are ${what}, wanted 0`)
  const there = stage.open + stage.opening
  if (there !== connections) wrong.push(`${stage.name}: ${there} connections are open or begun, wanted ${connections}`)
  return wrong
}

function brokenStory({ name, servers }: StageFigures): string[] {
  if (name === 'join' && !servers[JOINS]) return [`${name}: ${JOINS} has no connections, wanted some`]
  if (name === 'back' && !servers[LEAVES]) return [`${name}: ${LEAVES} has no connections, wanted some`]
  if (name === 'leave' && servers[LEAVES]) return [`${name}: ${LEAVES} has ${servers[LEAVES]} connections, wanted none`]
  return []
}
