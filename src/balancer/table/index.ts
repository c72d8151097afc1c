/** The table of a pool: which backend owns which bucket, and which owned it before. */
export { type Census, takeCensus } from './census.ts'
export { applyMoves, type Goal, type Move, type MovePlan, planMoves } from './plan-moves.ts'
export { release } from './release.ts'
