import { findFiles } from '../find-files.ts'

/** A stage of the run: its files one after the other, or several at once. */
export interface Stage {
  readonly name: 'unit' | 'kernel' | 'documents'
  readonly files: readonly string[]
  readonly parallel: boolean
  /** Works on the real kernel, as root. */
  readonly root: boolean
}

/**
 * Sorts test files into stages: unit tests first, then those on the real kernel, then examples and the documents' snippets.
 *
 * @param filters keep the files whose path contains one of these; all files if there is none.
 */
export function stagesOf(files: readonly string[], filters: readonly string[]): Stage[] {
  const kept = files.filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter))).sort()
  const kernel = kept.filter((file) => file.startsWith('tests/kernel/'))
  const documents = kept.filter((file) => file.startsWith('tests/documents/'))
  const unit = kept.filter((file) => !kernel.includes(file) && !documents.includes(file))
  return [
    { name: 'unit', files: unit, parallel: true, root: false },
    { name: 'kernel', files: kernel, parallel: false, root: true },
    { name: 'documents', files: documents, parallel: false, root: true },
  ]
}

/** All test files of the repository. */
export function findTestFiles(root: string): string[] {
  return findFiles(root, (path) => path.endsWith('.test.ts'))
}
