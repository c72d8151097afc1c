import { readFileSync } from 'node:fs'

/** Version of this package, for messages; whether state can be used is decided by its layout. */
export const VERSION: string = readVersion(new URL('.', import.meta.url))

/** From source the manifest of the package is two folders up, from `dist` three. */
function readVersion(folder: URL): string {
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(up, folder), 'utf8')) as {
        name: string
        version: string
      }
      if (name === 'seawall') return version
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  return 'unknown'
}
