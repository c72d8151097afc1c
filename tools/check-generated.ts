import { spawnSync } from 'node:child_process'

/** Generated files that differ from what bpf2ts writes for the BPF programs of this tree. */
export function checkGenerated(root: string): string[] {
  const run = spawnSync(process.execPath, ['--import', import.meta.resolve('tsx'), 'tools/bpf2ts.ts', '--check'], {
    cwd: root,
    encoding: 'utf8',
  })
  if (run.status === 0) return []
  const said = `${run.stdout}${run.stderr}`.trim()
  return [said || `tools/bpf2ts.ts --check ended with ${run.signal ?? run.status}`]
}
