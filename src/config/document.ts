/** A place in a file, both from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

export type Path = readonly (string | number)[]

export interface Target {
  readonly path: Path
  /** The last part of the path itself, rather than what it holds: for keys that should not be there. */
  readonly key?: boolean
  /** An offset (characters) inside a string value. */
  readonly offset?: number
}

/** A configuration that was read, and where in its file each value stands. */
export interface Document {
  readonly value: unknown
  /** The place of the value, or of the nearest one around it; undefined if the file does not show it at all. */
  locate(target: Target): Place | undefined
}

/** Turns an offset in a text to line and column. */
export function placeAt(text: string, offset: number): Place {
  const before = text.slice(0, offset)
  const line = before.split('\n').length
  return { line, column: offset - (before.lastIndexOf('\n') + 1) + 1 }
}

/** `firewall.rules[2].rate` */
export function formatPath(path: Path): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('')
}
