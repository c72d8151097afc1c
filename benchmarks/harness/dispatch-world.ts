import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dispatchFolder } from '../../src/dispatch/pins.ts'
import type { Paths } from '../../src/entry/paths.ts'
import { removePins } from '../../src/entry/pins.ts'
import { ip } from '../../src/linux/interface.ts'
import { createNetns, removeNetns } from '../../src/linux/netns.ts'

/** Where dispatch has its state of a network namespace, as long as the block. */
export class DispatchState implements Disposable {
  readonly paths: Paths & { readonly netns: string }

  constructor(netns: string) {
    this.paths = { bpf: `/sys/fs/bpf/${netns}`, run: mkdtempSync(join(tmpdir(), 'seawall-')), netns }
  }

  [Symbol.dispose](): void {
    removePins(dispatchFolder(this.paths))
    rmSync(this.paths.run, { recursive: true })
  }
}

/** A network namespace in which an IPv4 prefix is local, as long as the block. */
export class LocalNetns implements Disposable {
  readonly name: string

  constructor(bench: string, prefix: string) {
    this.name = `seawall-bench-${process.pid}-${bench}`
    createNetns(this.name)
    ip(this.name, ['route', 'add', 'local', prefix, 'dev', 'lo'])
  }

  [Symbol.dispose](): void {
    removeNetns(this.name)
  }
}
