import { CHAIN, type ChainState, type Line } from './chain-state.ts'
import { TABLE } from './family.ts'

/** True if nothing has to be done to get from one state to the other. Counters do not matter. */
export function isSame(from: ChainState, to: ChainState): boolean {
  return areEqual(from.lines?.map(textOf), to.lines?.map(textOf)) && areEqual(placesOf(from), placesOf(to))
}

/** What `iptables-restore --noflush --counters` reads to get from one state to another; all of it happens at once. */
export function restoreText(from: ChainState, to: ChainState): string {
  return `${[`*${TABLE}`, ...commands(from, to), 'COMMIT'].join('\n')}\n`
}

function commands(from: ChainState, to: ChainState): string[] {
  const moved = !areEqual(placesOf(from), placesOf(to))
  const leave = moved ? from.jumps.map(({ text }) => text.replace('-A', '-D')) : []
  if (to.lines === undefined) return from.lines === undefined ? leave : [...leave, `-F ${CHAIN}`, `-X ${CHAIN}`]
  // From the first place to the last, so that each is right when its turn comes.
  const enter = moved ? to.jumps.map(({ text, place }) => text.replace('-A PREROUTING', `-I PREROUTING ${place}`)) : []
  // Declaring a chain that is there already empties it.
  return [...leave, `:${CHAIN} - [0:0]`, ...to.lines.map(counted), ...enter]
}

const textOf = ({ text }: Line): string => text
const counted = ({ packets, bytes, text }: Line): string => `[${packets}:${bytes}] ${text}`
const placesOf = ({ jumps }: ChainState): string[] => jumps.map(({ text, place }) => `${place} ${text}`)

function areEqual(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.length === b.length && a.every((one, i) => one === b[i]))
}
