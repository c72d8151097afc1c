/** The table of a pool: which backend owns which bucket, and which owned it before. */
export { type Factors, feed, LoadFeedback } from './load-feedback.ts'
export { applyMoves, type Goal, type Move, type MovePlan, planMoves } from './plan-moves.ts'
export { pressuresOf } from './pressure.ts'
export { release } from './release.ts'
