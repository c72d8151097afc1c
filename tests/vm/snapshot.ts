import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { build, type Plugin } from 'esbuild'
import { findFiles } from '../../tools/find-files.ts'

/** Where the sources are in a machine. */
const PLACE = '/srv'

/** What the build makes and tests need. */
const BUILT = ['build/bpf', 'build/lab', 'build/tests']

/** Where something is mounted in a machine. */
const MOUNT_POINTS = ['node_modules', 'build/vm/kernel']

/**
 * Where sources are that processes may start with: those that no other imports, but for types. Others are not compiled, and
 * Node refuses them.
 */
const PROGRAMS = /^(tests\/(kernel|support|vm\/guest)|lab|src)\/(?!.*\.config\.ts$|generated\/)/

/** Sources of which the same is wanted although others import them: of the runner of tests, and of scripts of one line. */
const MORE_PROGRAMS = [
  'lab/lab.ts',
  'lab/point-of-presence.ts',
  'src/agent/index.ts',
  'src/linux/process.ts',
  'src/rules/index.ts',
  'tools/test.ts',
  'tools/testing/reporter.ts',
]

/** Modules that find files of their own by where they are. */
const EXTERNAL = ['koffi', 'jiti', 'esbuild']

/**
 * Copies the sources, so that a run is of one state of them although they are edited meanwhile, and compiles what processes
 * start with: such an `x.ts` becomes a link to the module `x.ts.js`, and what they import to few large modules. To find, read
 * and link hundreds of small ones takes a machine most of the time that a short program runs.
 */
export async function takeSnapshot(target: string): Promise<void> {
  rmSync(target, { recursive: true, force: true })
  const files = findFiles('.', () => true)
  for (const file of files) {
    mkdirSync(join(target, dirname(file)), { recursive: true })
    cpSync(file, join(target, file))
  }
  for (const folder of BUILT) if (existsSync(folder)) cpSync(folder, join(target, folder), { recursive: true })
  for (const folder of MOUNT_POINTS) mkdirSync(join(target, folder), { recursive: true })
  await compile(resolve(target), programsAmong(files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))))
}

/** @param sources paths of TypeScript files, relative to the working folder. */
export function programsAmong(sources: readonly string[]): string[] {
  const imported = new Set(sources.flatMap((source) => importsOf(source)))
  const isTestOfOthers = (file: string): boolean => file.endsWith('.test.ts') && !file.startsWith('tests/kernel/')
  return sources.filter(
    (file) => MORE_PROGRAMS.includes(file) || (PROGRAMS.test(file) && !imported.has(file) && !isTestOfOthers(file)),
  )
}

/** Files that a source imports, but for their types. */
function importsOf(source: string): readonly string[] {
  const text = readFileSync(source, 'utf8')
  return [...text.matchAll(/^(?:import|export)(?! type)[^'"]*? from '(\.[^']+)'|\bimport\('(\.[^']+)'\)/gm)].map(
    ([, named, awaited]) => join(dirname(source), named ?? awaited!),
  )
}

async function compile(target: string, programs: string[]): Promise<void> {
  await build({
    absWorkingDir: target,
    entryPoints: programs,
    outbase: '.',
    outdir: '.',
    outExtension: { '.js': '.ts.js' },
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
    bundle: true,
    splitting: true,
    chunkNames: 'build/modules/[name]-[hash]',
    external: EXTERNAL,
    nodePaths: [resolve('node_modules')],
    plugins: [located(target)],
    // For packages that are CommonJS.
    banner: { js: `import { createRequire as of } from 'node:module'; const require = of('${PLACE}/package.json');` },
  })
  for (const program of programs) {
    rmSync(join(target, program))
    symlinkSync(`${basename(program)}.js`, join(target, program))
  }
}

/** Sources know by `import.meta` where they are, which must not become the place of a program that they are built into. */
function located(target: string): Plugin {
  const compiled = (path: string): string => {
    const place = `${PLACE}/${relative(target, path)}`
    return readFileSync(path, 'utf8')
      .replaceAll(/\bimport\.meta\.url\b/g, JSON.stringify(`file://${place}`))
      .replaceAll(/\bimport\.meta\.filename\b/g, JSON.stringify(place))
  }
  return {
    name: 'located',
    setup: ({ onLoad }) => onLoad({ filter: /\.ts$/ }, ({ path }) => ({ loader: 'ts', contents: compiled(path) })),
  }
}
