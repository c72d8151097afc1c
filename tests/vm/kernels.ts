import { readFileSync } from 'node:fs'

/** A kernel of the matrix, as tests/vm/kernels.json names it. */
export interface Kernel {
  /** Its series, such as `6.12`. */
  readonly id: string
  /** Debian package that always depends on the newest package of the series. */
  readonly newest: string
  readonly package: string
  readonly version: string
  /** Of the package's file. */
  readonly sha256: string
}

export const KERNELS_FILE = 'tests/vm/kernels.json'

const shapes: Readonly<Record<keyof Kernel, RegExp>> = {
  id: /^\d+\.\d+$/,
  newest: /^linux-image-[a-z0-9.+-]+$/,
  package: /^linux-image-\d+\.\d+\.\d+[a-z0-9.+-]*$/,
  version: /^\d[\w.+~:-]*$/,
  sha256: /^[0-9a-f]{64}$/,
}

/** Reads the text of tests/vm/kernels.json. */
export function parseKernels(text: string): readonly Kernel[] {
  const entries: unknown = JSON.parse(text)
  if (!Array.isArray(entries) || entries.length === 0) throw new Error(`${KERNELS_FILE} must be a list of kernels`)
  entries.forEach(checkEntry)
  return entries as Kernel[]
}

function checkEntry(entry: unknown, index: number): void {
  const fields = (entry ?? {}) as Readonly<Record<string, unknown>>
  for (const [name, shape] of Object.entries(shapes)) {
    const found = fields[name]
    if (typeof found === 'string' && shape.test(found)) continue
    throw new Error(`${KERNELS_FILE}[${index}].${name} is ${JSON.stringify(found)} (wanted: ${shape.source})`)
  }
}

export function readKernels(): readonly Kernel[] {
  return parseKernels(readFileSync(KERNELS_FILE, 'utf8'))
}

/** What `uname -r` says on it. */
export function releaseOf(kernel: Kernel): string {
  return kernel.package.replace(/^linux-image-/, '')
}
