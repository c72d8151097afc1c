import { readFileSync } from 'node:fs'

/** The module `x.ts` is what the snapshot has compiled into `x.ts.js`. */
export function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context)
  return { format: 'module', source: readFileSync(new URL(`${url}.js`)), shortCircuit: true }
}
