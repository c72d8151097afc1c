import { findFiles } from '../find-files.ts'

/** A stage of the run: its files one after the other, or several at once. */
export interface Stage {
  readonly name: 'unit' | 'kernel' | 'alone' | 'documents'
  readonly files: readonly string[]
  readonly parallel: boolean
  /** Works on the real kernel, as root. */
  readonly root: boolean
}

/**
 * Need the machine for themselves: they measure what it manages in some time, give answers little time, keep all CPUs busy, or look at
 * what else there is in the kernel.
 */
const ALONE = [
  'balancer',
  'balancer-health',
  'bpf-leaks',
  'dispatch-replace',
  'firewall-counters',
  'lab',
  'lab-demo',
  'lab-dispatch-demo',
  'lab-flood',
  'limits',
  'tools',
].map((name) => `tests/kernel/${name}.test.ts`)

/** Take longest, and begin first: else one of them would go on alone in the end, next to an idle CPU. */
const LONG = [
  'rules',
  'rules-pcap',
  'agent',
  'firewall-kill',
  'balancer-live',
  'balancer-fleet',
  'balancer-orders',
  'lab-balancer-demo',
].map((name) => `tests/kernel/${name}.test.ts`)

/**
 * Sorts test files into stages: unit tests first, then those on the real kernel, then examples and the documents' snippets.
 *
 * @param filters keep the files whose path contains one of these; all files if there is none.
 */
export function stagesOf(files: readonly string[], filters: readonly string[]): Stage[] {
  const kept = files.filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter))).sort()
  const alone = kept.filter((file) => ALONE.includes(file))
  const beside = kept.filter((file) => file.startsWith('tests/kernel/') && !alone.includes(file))
  const kernel = [...LONG.filter((file) => beside.includes(file)), ...beside.filter((file) => !LONG.includes(file))]
  const documents = kept.filter((file) => file.startsWith('tests/documents/'))
  const unit = kept.filter((file) => ![...kernel, ...alone, ...documents].includes(file))
  return [
    { name: 'unit', files: unit, parallel: true, root: false },
    { name: 'kernel', files: kernel, parallel: true, root: true },
    { name: 'alone', files: alone, parallel: false, root: true },
    { name: 'documents', files: documents, parallel: false, root: true },
  ]
}

/** All test files of the repository. */
export function findTestFiles(root: string): string[] {
  return findFiles(root, (path) => path.endsWith('.test.ts'))
}
