import type { Session } from '../session.ts'
import { type Column, fitsInto } from './table.ts'

/** A column that knows what it shows of a row. */
export interface RowColumn<Row> extends Column {
  readonly cell: (row: Row) => string
  /** Left out of the table unless some row has it. */
  readonly has?: (row: Row) => boolean
  /** Left out where the terminal is too narrow, those with the highest number first. */
  readonly spare?: number
}

/** Rows as a table, without columns that no row has, or that the terminal has no room for. */
export function formatRows<Row>(session: Session, columns: readonly RowColumn<Row>[], rows: readonly Row[]): string {
  let shown = columns
    .filter(({ has }) => has === undefined || rows.some(has))
    .map((column) => ({ ...column, cells: rows.map(column.cell) }))
  const cells = () => rows.map((_, row) => shown.map((column) => column.cells[row]!))
  while (!fitsInto(session.env.stdout.columns, shown, cells())) {
    const least = Math.max(...shown.map(({ spare }) => spare ?? 0))
    if (least === 0) break
    shown = shown.filter(({ spare }) => spare !== least)
  }
  return session.table(shown, cells())
}
