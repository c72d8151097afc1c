import { type Finding, note, ok, problem } from './finding.ts'

/** What the kernel's BPF can do, as far as Seawall needs it. */
export async function bpfFindings(): Promise<Finding[]> {
  return [note('bpf', 'pending'), ok('x', 'y'), problem('z', 'z', 'z')]
}
