import CliTable from 'cli-table3'

export interface Column {
  readonly title: string
  /** Numbers stand at the right. */
  readonly align?: 'left' | 'right'
}

export interface TableOptions {
  /** Columns of the terminal: the last column is wrapped to what is left of them; never wrapped if absent. */
  readonly width?: number | undefined
  /** Puts a style on the head. */
  readonly head?: (text: string) => string
}

const GAP = 2
const NARROWEST = 20

/** Rows under a head, without rules and frames, and without spaces at the ends of lines. */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  options: TableOptions = {},
): string {
  const head = options.head ?? ((text: string) => text)
  const table = new CliTable({
    chars: none,
    style: { 'padding-left': 0, 'padding-right': GAP, head: [], border: [], compact: true },
    colAligns: columns.map((column) => column.align ?? 'left'),
    wordWrap: options.width !== undefined,
    wrapOnWordBoundary: true,
    ...widths(columns, rows, options.width),
  })
  table.push(
    columns.map((column) => head(column.title)),
    ...rows.map((row) => [...row]),
  )
  return `${table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`
}

const none = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
}

/** Widths that leave the rest of the terminal to the last column; none while all of it fits. */
function widths(columns: readonly Column[], rows: readonly (readonly string[])[], width: number | undefined) {
  if (width === undefined) return {}
  const needed = widthsNeeded(columns, rows)
  const before = needed.slice(0, -1).reduce((sum, one) => sum + one, 0)
  const last = Math.max(NARROWEST, width - before)
  if (needed.at(-1)! <= last) return {}
  return { colWidths: [...needed.slice(0, -1), last] }
}

/** Whether no line of the table is longer than the terminal, with its last column wrapped. */
export function fitsInto(
  width: number | undefined,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): boolean {
  if (width === undefined) return true
  const needed = widthsNeeded(columns, rows)
  const last = Math.min(NARROWEST, needed.at(-1)!)
  return needed.slice(0, -1).reduce((sum, one) => sum + one, last) <= width
}

function widthsNeeded(columns: readonly Column[], rows: readonly (readonly string[])[]): number[] {
  return columns.map(
    (column, index) => Math.max(...[column.title, ...rows.map((row) => row[index] ?? '')].map(visible)) + GAP,
  )
}

/** Length without colour codes. */
function visible(text: string): number {
  return text.replaceAll(ANSI, '').length
}

const ANSI = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g')
