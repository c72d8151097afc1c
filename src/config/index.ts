export { defineConfig, type SeawallConfig } from './define.ts'
export { ConfigError, type ConfigIssue, formatIssue } from './issue.ts'
export { CONFIG_NAMES, findConfig, type LoadedConfig, loadConfig } from './load.ts'
