/** Tables that the fleet has, for a machine without any: by pool, its backends' names, and rows whose numbers are 1 + an index in them. */
export interface TableSeed {
  readonly version: number
  readonly pools: readonly {
    readonly backends: readonly string[]
    readonly rows: Uint16Array
  }[]
  readonly drained: readonly string[]
}
