/** The table of a pool: which backend owns which bucket, and which owned it before. */
export { applyMoves, type Goal, type Move, type MovePlan, planMoves } from './plan-moves.ts'
