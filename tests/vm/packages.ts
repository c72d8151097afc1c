import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type CommandOptions, command } from '../../src/linux/command.ts'
import { KERNELS_FILE, type Kernel, readKernels, releaseOf } from './kernels.ts'

/** Unpacked packages; git ignores all of build/. */
const CACHE = 'build/vm/kernels'

const patient: CommandOptions = { timeoutMs: 300_000 }

/** The unpacked package of a kernel, with a list of its modules, from the cache or from Debian. */
export function kernelFolder(kernel: Kernel): string {
  const folder = join(CACHE, `${kernel.package}_${kernel.version}`)
  if (existsSync(folder)) return folder
  mkdirSync(CACHE, { recursive: true })
  const unfinished = mkdtempSync(join(CACHE, 'unpacking-'))
  try {
    const archive = download(kernel, unfinished)
    command('dpkg-deb', ['--extract', archive, unfinished], patient)
    rmSync(archive)
    command('depmod', ['--basedir', unfinished, releaseOf(kernel)])
    renameSync(unfinished, folder)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
  return folder
}

/** Downloads the very version that the data file names into a folder, by apt, which knows from where. */
function download(kernel: Kernel, folder: string): string {
  const wanted = `${kernel.package}=${kernel.version}`
  try {
    aptDownload(wanted, folder)
  } catch {
    // The lists of a fresh machine are empty or old.
    command('apt-get', ['update', '-qq'], patient)
    try {
      aptDownload(wanted, folder)
    } catch (cause) {
      const [why] = /\bE: .*/.exec(String(cause)) ?? [String(cause)]
      const remedy = 'apt needs the network once; if Debian has a newer version: npm run test:kernels -- --update'
      throw new Error(`Cannot download ${wanted}, of ${KERNELS_FILE}: ${why} (${remedy})`, { cause })
    }
  }
  const archive = join(folder, readdirSync(folder).find((name) => name.endsWith('.deb'))!)
  const found = sha256(archive)
  if (found !== kernel.sha256)
    throw new Error(`Cannot use ${wanted}: its SHA-256 is "${found}" (wanted: "${kernel.sha256}", of ${KERNELS_FILE})`)
  return archive
}

function aptDownload(wanted: string, folder: string): void {
  const script = 'cd "$1" && exec apt-get download -qq -o APT::Sandbox::User=root "$2"'
  command('sh', ['-c', script, 'sh', folder, wanted], patient)
}

function sha256(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}

/** Writes the newest version of each series into the data file. */
export function updateKernels(): readonly Kernel[] {
  command('apt-get', ['update', '-qq'], patient)
  const newest = readKernels().map((kernel): Kernel => {
    const name = /^Depends:.*?\b(linux-image-\d\S*)/m.exec(command('apt-cache', ['show', kernel.newest]))?.[1]
    if (name === undefined) throw new Error(`Cannot update ${kernel.id}: apt knows no package "${kernel.newest}"`)
    const shown = command('apt-cache', ['show', '--no-all-versions', name])
    const field = (key: string): string => new RegExp(`^${key}: (.*)$`, 'm').exec(shown)?.[1] ?? ''
    return { ...kernel, package: name, version: field('Version'), sha256: field('SHA256') }
  })
  writeFileSync(KERNELS_FILE, `${JSON.stringify(newest, null, 2)}\n`)
  return readKernels()
}
