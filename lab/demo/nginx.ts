import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface NginxOptions {
  readonly workers: number
  /** What follows `listen`. */
  readonly listen: readonly string[]
  /** What is said about all that can be asked for. */
  readonly location: string
}

/**
 * Writes a configuration for nginx.
 *
 * @returns its path.
 */
export function writeNginx(directory: string, { workers, listen, location }: NginxOptions): string {
  mkdirSync(directory, { recursive: true })
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const path = join(directory, 'nginx.conf')
  writeFileSync(
    path,
    `daemon off;
user root;
worker_processes ${workers};
pid ${directory}/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off;
${temporary.map((name) => `  ${name}_temp_path ${directory}/${name};`).join('\n')}
  server {
${listen.map((place) => `    listen ${place};`).join('\n')}
    location / { ${location} }
  }
}
`,
  )
  return path
}
