import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { buildBpf, objectOf } from './build-bpf.ts'

let root = ''
let compiler = ''

/** A compiler that joins its arguments into the object, and fails for sources with the word "wrong". */
const SCRIPT = `#!/bin/sh
[ "$1" = --version ] && exit 0
for argument; do case $previous in -c) source=$argument ;; -o) object=$argument ;; esac; previous=$argument; done
grep -q wrong "$source" && { echo "wrong here" >&2; exit 1; }
echo "$@" >"$object"
`

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'seawall-build-'))
  compiler = join(root, 'compiler')
  writeFileSync(compiler, SCRIPT)
  chmodSync(compiler, 0o755)
  for (const folder of ['bpf/include', 'lab/bpf', 'tests/fixtures']) mkdirSync(join(root, folder), { recursive: true })
  for (const path of ['bpf/entry.bpf.c', 'bpf/include/a.h', 'lab/bpf/flood.bpf.c', 'lab/bpf/own.h']) write(path)
})
afterEach(() => rmSync(root, { recursive: true }))

function write(path: string, text = 'fine'): void {
  writeFileSync(join(root, path), text)
}

/** Changed an hour from now. */
function touch(path: string): void {
  const later = Date.now() / 1000 + 3600
  utimesSync(join(root, path), later, later)
}

const build = (): string[] => buildBpf({ root, compilers: [compiler] })

test('buildBpf() compiles everything once, and says what it does', () => {
  const said: string[] = []
  const made = buildBpf({ root, compilers: ['/nowhere/clang', compiler], say: (line) => said.push(line) })
  assert.deepEqual(made, ['build/bpf/entry.bpf.o', 'build/lab/bpf/flood.bpf.o'])
  assert.equal(said[0], `${compiler} bpf/entry.bpf.c → build/bpf/entry.bpf.o`)
  assert.match(readFileSync(join(root, made[0]!), 'utf8'), /-O2 -g .*-target bpf/)
  assert.deepEqual(build(), [])
})

test('buildBpf() compiles again what is newer than its object, or has a newer header', () => {
  build()
  touch('lab/bpf/own.h')
  assert.deepEqual(build(), ['build/lab/bpf/flood.bpf.o'])
  touch('bpf/entry.bpf.c')
  assert.deepEqual(build(), ['build/bpf/entry.bpf.o', 'build/lab/bpf/flood.bpf.o'])
})

test('buildBpf() leaves an old object alone when the compiler finds fault, and shows what it says', () => {
  build()
  const object = join(root, objectOf('bpf/entry.bpf.c'))
  const before = readFileSync(object, 'utf8')
  write('bpf/entry.bpf.c', 'wrong')
  touch('bpf/entry.bpf.c')
  assert.throws(build, /Cannot compile bpf\/entry\.bpf\.c: .* says\nwrong here/)
  assert.equal(readFileSync(object, 'utf8'), before)
})

test('buildBpf() says what to install when there is no compiler, but only if one is needed', () => {
  assert.throws(
    () => buildBpf({ root, compilers: ['/nowhere/clang'] }),
    /none of .* is installed \(apt install clang-14\)/,
  )
  build()
  assert.deepEqual(buildBpf({ root, compilers: ['/nowhere/clang'] }), [])
})
