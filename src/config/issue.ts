/** Something wrong in a configuration or in a file that it names, with the place and the way out. */
export interface ConfigIssue {
  readonly file: string
  /** From 1; absent if the place cannot be known, as in a value that a program computed. */
  readonly line?: number
  readonly column?: number
  /** `firewall.rules[2].rate`; empty for the whole document. */
  readonly path: string
  readonly found: string
  readonly wanted: string
  readonly remedy?: string
}

/** `seawall.config.ts:12:7: firewall.rules[2].rate: found '1k', wanted … (…)` */
export function formatIssue(issue: ConfigIssue): string {
  const place = [issue.file, issue.line, issue.column].filter((part) => part !== undefined).join(':')
  const path = issue.path === '' ? '' : ` ${issue.path}:`
  const remedy = issue.remedy === undefined ? '' : ` (${issue.remedy})`
  return `${place}:${path} found ${issue.found}, wanted ${issue.wanted}${remedy}`
}

/** A configuration that cannot be used; `issues` has all that is wrong with it, in the order of the file. */
export class ConfigError extends Error {
  readonly code = 'SEAWALL_CONFIG'
  readonly issues: readonly ConfigIssue[]

  constructor(issues: readonly ConfigIssue[], options?: ErrorOptions) {
    super(issues.map(formatIssue).join('\n'), options)
    this.name = 'ConfigError'
    this.issues = issues
  }
}
