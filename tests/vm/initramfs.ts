import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { command } from '../../src/linux/command.ts'

/** What a machine needs to reach the host's files; a kernel that has one built in has no file of it. */
const MODULES = ['virtio_pci', 'virtiofs', 'overlay']

/** Mount points of guest/init.sh. */
const FOLDERS = ['bin', 'modules', 'proc', 'sys', 'dev', 'host', 'memory', 'new']

/**
 * Builds the file system that a machine starts with: a shell, modules in the order in which they load, and guest/init.sh.
 *
 * @param folder unpacked package of the kernel.
 * @param work an empty folder to build in.
 * @returns the path of the archive.
 */
export function buildInitramfs(folder: string, release: string, work: string): string {
  const root = join(work, 'initramfs')
  for (const name of FOLDERS) mkdirSync(join(root, name), { recursive: true })
  copyFileSync('/usr/bin/busybox', join(root, 'bin/busybox'))
  copyFileSync('tests/vm/guest/init.sh', join(root, 'init'))
  for (const program of ['bin/busybox', 'init']) chmodSync(join(root, program), 0o755)
  const names = modulePaths(folder, release).map((path) => {
    const name = basename(path, '.xz')
    const target = join(root, 'modules', name)
    if (path.endsWith('.xz')) command('sh', ['-c', 'busybox unxz -c "$1" >"$2"', 'sh', path, target])
    else copyFileSync(path, target)
    return name
  })
  writeFileSync(join(root, 'modules/order'), names.map((name) => `${name}\n`).join(''))
  const archive = resolve(work, 'initramfs.cpio')
  command('sh', ['-c', 'cd "$1" && find . | busybox cpio -o -H newc >"$2"', 'sh', root, archive])
  return archive
}

/** Files to load, each after those it needs. */
function modulePaths(folder: string, release: string): readonly string[] {
  const options = ['--dirname', resolve(folder), '--set-version', release, '--show-depends']
  const lines = MODULES.flatMap((name) => command('modprobe', [...options, name]).split('\n'))
  return [...new Set(lines.flatMap((line) => /^insmod (\S+)/.exec(line)?.[1] ?? []))]
}
