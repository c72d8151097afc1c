import { totalsOf } from '../../tools/testing/report.ts'
import type { Feature } from './features.ts'
import type { Report } from './report.ts'

export type Table = readonly (readonly string[])[]

/** Feature × kernel, with a line of heads. */
export function featureTable(reports: readonly Report[], features: Readonly<Record<string, Feature>>): Table {
  const answer = (present: boolean | undefined): string => (present === undefined ? '?' : present ? 'yes' : 'no')
  return [
    ['feature', '', 'since Linux', ...reports.map(({ release }) => release || 'did not start')],
    ...Object.entries(features).map(([name, { title, minimumKernel }]) => [
      `\`${name}\``,
      title,
      minimumKernel,
      ...reports.map(({ features: found }) => answer(found[name])),
    ]),
  ]
}

/** A last line that counts tests where a kernel ran them. */
export function testLine(reports: readonly Report[]): readonly string[] {
  return ['tests passed, failed, skipped', '', '', ...reports.map(countTests)]
}

function countTests({ files, status }: Report): string {
  if (files.length === 0) return status === 0 ? 'by npm test' : '?'
  const { passed, failed, skipped } = totalsOf(files.flatMap(({ tests }) => tests))
  return `${passed}, ${failed}, ${skipped}`
}

export function formatMarkdown(table: Table): string {
  const [head = [], ...body] = table.map((cells) => `| ${cells.join(' | ')} |`)
  return [head, `|${'---|'.repeat(table[0]!.length)}`, ...body].join('\n')
}

/** For a terminal: columns of equal width. */
export function formatText(table: Table): string {
  const widths = table[0]!.map((_, column) => Math.max(...table.map((cells) => cells[column]!.length)))
  return table
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const BEGIN = '<!-- written by npm run test:kernels -- --write -->'
const END = '<!-- end -->'

/** Where the block of a document is that this program writes. */
function blockIn(document: string): readonly [begin: number, end: number] {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`Cannot find the table (wanted: lines "${BEGIN}" and "${END}")`)
  return [begin + BEGIN.length, end]
}

export function readBlock(document: string): string {
  return document.slice(...blockIn(document)).trim()
}

export function replaceBlock(document: string, block: string): string {
  const [begin, end] = blockIn(document)
  return `${document.slice(0, begin)}\n\n${block}\n\n${document.slice(end)}`
}
