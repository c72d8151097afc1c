import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { findFiles } from './find-files.ts'
import { importsOf } from './parse-source.ts'

/** The layers of docs/architecture.md, lowest first; the folders of one layer do not import each other. */
const layers: readonly (readonly string[])[] = [
  ['net'],
  ['bpf'],
  ['linux', 'generated'],
  ['rules'],
  ['entry'],
  ['probes'],
  ['firewall', 'balancer', 'dispatch', 'splice', 'tuning', 'exporter', 'analytics', 'fleet'],
  ['config'],
  ['agent'],
  ['cli', 'dashboard'],
  ['index.ts'],
]

/** Narrower than the order of the layers: these folders import nothing but what is listed. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  net: [],
  bpf: [],
  generated: ['bpf'],
  lab: ['net', 'bpf', 'linux'],
}

/** The only folder that may import koffi. */
const foreign = 'src/bpf/ffi/'

/** Problems with imports: one that points up or aside, a foreign function outside of its folder, an impure `src/net`. */
export function checkLayers(root: string): string[] {
  const files = findFiles(root, (path) => /^(src|lab)\/.*\.ts$/.test(path))
  return files.flatMap((file) =>
    importsOf(readFileSync(join(root, file), 'utf8')).flatMap(({ from, line }) => {
      const problem = problemOf(file, from)
      return problem ? [`${file}:${line}: ${problem}`] : []
    }),
  )
}

/** What is wrong with `file` importing `from`, if anything. Tests and the demo may use what they like, but for koffi. */
export function problemOf(file: string, from: string): string | undefined {
  if (from === 'koffi') return file.startsWith(foreign) ? undefined : `imports koffi (only ${foreign} may)`
  if (file.endsWith('.test.ts') || file.startsWith('lab/demo/')) return undefined
  const own = folderOf(file)
  if (!from.startsWith('.')) return packageProblem(own, from)
  const target = folderOf(posix.join(posix.dirname(file), from))
  if (target === own || mayImport(own, target)) return undefined
  return `"${own}" imports "${target}" (imports point only down: ${describeAllowed(own)})`
}

function packageProblem(own: string, from: string): string | undefined {
  if (own === 'net') return `"net" imports ${from} (it is pure and imports nothing)`
  if (own === 'bpf' && !from.startsWith('node:')) return `"bpf" imports ${from} (it imports only koffi and Node itself)`
  return undefined
}

/** `net` of `src/net/mac.ts`, `lab` of `lab/plan.ts`, `index.ts` of `src/index.ts`, else the top folder. */
function folderOf(path: string): string {
  const [top = '', next = ''] = path.split('/')
  return top === 'src' ? next : top
}

function mayImport(own: string, target: string): boolean {
  const list = allowed[own]
  if (list) return list.includes(target)
  const place = layers.findIndex((layer) => layer.includes(own))
  const other = layers.findIndex((layer) => layer.includes(target))
  return other >= 0 && other < place
}

function describeAllowed(own: string): string {
  const place = layers.findIndex((layer) => layer.includes(own))
  const below = allowed[own] ?? layers.slice(0, Math.max(place, 0)).flat()
  return below.length > 0 ? `"${own}" may import ${below.join(', ')}` : `"${own}" may import no other folder`
}
