/** Live connections of a source, as a number that rules compare. */
export * from './cells.ts'
export * from './syntax.ts'
