import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** How an export of package.json is written: the source for this clone, and what the build makes of it. */
interface Conditions {
  readonly 'seawall-source': string
  readonly types: string
  readonly default: string
}

interface Manifest {
  readonly exports: Readonly<Record<string, string | Conditions>>
  readonly bin: Readonly<Record<string, string>>
  readonly files: readonly string[]
}

/** Folders of `src` that users import, and no others. */
const published = ['net', 'bpf', 'linux', 'rules', 'firewall']

/** The exports, programs and files of package.json that do not agree with the tree. */
export function checkExports(root: string): string[] {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
  return [
    ...Object.entries(manifest.exports).flatMap(([subpath, target]) => exportProblems(root, subpath, target)),
    ...published.filter((name) => !manifest.exports[`./${name}`]).map((name) => `package.json: no export "./${name}"`),
    ...Object.entries(manifest.bin)
      .filter(([, path]) => !existsSync(join(root, sourceOf(path))))
      .map(([name, path]) => `package.json: program "${name}" is built from ${sourceOf(path)}, which does not exist`),
    ...manifest.files
      .filter((path) => path !== 'dist' && !existsSync(join(root, path)))
      .map((path) => `package.json: "files" names ${path}, which does not exist`),
  ]
}

/** `dist/src/cli/main.js` is made of `src/cli/main.ts`. */
function sourceOf(built: string): string {
  return built.replace(/^(\.\/)?dist\//, '').replace(/\.js$/, '.ts')
}

function exportProblems(root: string, subpath: string, target: string | Conditions): string[] {
  const problem = (text: string): string[] => [`package.json: export "${subpath}" ${text}`]
  if (typeof target === 'string')
    return existsSync(join(root, target)) ? [] : problem(`is ${target}, which does not exist`)
  const folder = subpath === '.' ? '' : `${subpath.slice(2)}/`
  const wanted: Conditions = {
    'seawall-source': `./src/${folder}index.ts`,
    types: `./dist/src/${folder}index.d.ts`,
    default: `./dist/src/${folder}index.js`,
  }
  if (JSON.stringify(target) !== JSON.stringify(wanted)) return problem(`should be ${JSON.stringify(wanted)}`)
  return existsSync(join(root, wanted['seawall-source'])) ? [] : problem(`has no ${wanted['seawall-source']}`)
}
