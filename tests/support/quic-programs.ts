import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { command } from '../../src/linux/command.ts'
import { compile } from './compile.ts'

const source = (name: string): URL => new URL(`quic/${name}.c`, import.meta.url)
const LIBRARIES = ['ngtcp2', 'ngtcp2_crypto_gnutls', 'gnutls']
const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']

/** A server and clients of QUIC, compiled, and a certificate for `localhost`: paths. */
export class QuicPrograms implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'seawall-quic-'))
  readonly server = compile(source('server'), this.folder, [source('connection'), source('connection-id')], LIBRARIES)
  readonly client = compile(source('client'), this.folder, [source('connection'), source('question')], LIBRARIES)
  readonly key = join(this.folder, 'key')
  readonly certificate = join(this.folder, 'certificate')

  constructor() {
    const paths = ['-keyout', this.key, '-out', this.certificate]
    command('openssl', ['req', '-x509', ...CURVE, '-nodes', '-subj', '/CN=localhost', ...paths])
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true })
  }
}
