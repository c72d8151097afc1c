/** Says where a transaction stands; tests end the process there. */
export type Step = (name: string) => void
