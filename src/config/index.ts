export { ConfigError, type ConfigIssue, formatIssue } from './issue.ts'
