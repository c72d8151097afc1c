import type { Command } from 'commander'

export interface ConfigOptions {
  readonly config?: string
}

/** Adds `--config`. */
export function configOption(command: Command): void {
  command.option('-c, --config <file>', 'configuration (default: the one of this folder, then of /etc/seawall)')
}
