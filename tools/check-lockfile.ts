import { readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Lockfile {
  readonly packages: Readonly<Record<string, LockedPackage>>
}

interface LockedPackage {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** The lockfile names no download address (any registry will do), has a checksum for each package, and fits package.json. */
export function checkLockfile(root: string): string[] {
  const read = (name: string): unknown => JSON.parse(readFileSync(join(root, name), 'utf8'))
  const { packages } = read('package-lock.json') as Lockfile
  const manifest = read('package.json') as LockedPackage
  const installed = Object.entries(packages).filter(([path]) => path !== '')
  return [
    ...installed
      .filter(([, entry]) => entry.resolved)
      .map(([path]) => `package-lock.json: "${path}" records a download address`),
    ...installed
      .filter(([, entry]) => !entry.integrity)
      .map(([path]) => `package-lock.json: "${path}" has no checksum`),
    ...missing(packages),
    ...differences(manifest, packages[''] ?? {}, 'dependencies'),
    ...differences(manifest, packages[''] ?? {}, 'devDependencies'),
  ]
}

/** `npm ci` refuses a lockfile without the packages for other platforms, also where they are not installed. */
function missing(packages: Lockfile['packages']): string[] {
  const names = new Set(Object.keys(packages).map((path) => path.split('node_modules/').at(-1)))
  return Object.entries(packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => !names.has(name))
      .map((name) => `package-lock.json: "${name}", which "${path}" depends on, is missing`),
  )
}

function differences(
  manifest: LockedPackage,
  locked: LockedPackage,
  kind: 'dependencies' | 'devDependencies',
): string[] {
  const wanted = manifest[kind] ?? {}
  const got = locked[kind] ?? {}
  return [...new Set([...Object.keys(wanted), ...Object.keys(got)])]
    .filter((name) => wanted[name] !== got[name])
    .map(
      (name) =>
        `package.json wants ${name} ${wanted[name] ?? 'no more'}, package-lock.json has ${got[name] ?? 'none'} (npm install)`,
    )
}
