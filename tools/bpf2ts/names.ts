/** `DropEvent` of `drop_event`. */
export function pascal(name: string): string {
  return name
    .split(/[^A-Za-z0-9]+/)
    .filter(Boolean)
    .map((word) => word[0]!.toUpperCase() + (/^[A-Z0-9]+$/.test(word) ? word.slice(1).toLowerCase() : word.slice(1)))
    .join('')
}

/** `edgeFilter` of `edge_filter`. */
export function camel(name: string): string {
  const made = pascal(name)
  return made.charAt(0).toLowerCase() + made.slice(1)
}

/** `Drop` of `VERDICT_DROP` in `enum verdict`. */
export function enumerator(type: string, name: string): string {
  const prefix = `${type.toUpperCase()}_`
  return pascal(name.toUpperCase().startsWith(prefix) && name.length > prefix.length ? name.slice(prefix.length) : name)
}
