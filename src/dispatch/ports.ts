import { SeawallError } from '../entry/errors.ts'

/** Ports that a binding is for, both ends included. {@link ANY} is less specific than a range from 1 to 65535. */
export interface Ports {
  readonly from: number
  readonly to: number
}

const HIGHEST = 65_535

export const ANY: Ports = { from: 0, to: HIGHEST }

export const isAny = ({ from }: Ports): boolean => from === 0
export const isSingle = ({ from, to }: Ports): boolean => from === to
export const hasPort = ({ from, to }: Ports, port: number): boolean => from <= port && port <= to

/**
 * Reads `443`, `20000-49999` or `any`, for which `0` may stand.
 *
 * @throws SeawallError SEAWALL_INPUT
 */
export function parsePorts(text: string): Ports {
  if (text === 'any' || text === '0') return ANY
  const [, first = '', last = first] = /^([1-9]\d{0,4})(?:-([1-9]\d{0,4}))?$/.exec(text) ?? []
  const [from, to] = [Number(first), Number(last)]
  if (first !== '' && from <= to && to <= HIGHEST) return { from, to }
  const remedy = from > to && to > 0 ? ` (write ${to}-${from})` : ''
  throw new SeawallError(
    'SEAWALL_INPUT',
    `Cannot read ports "${text}": wanted a port from 1 to ${HIGHEST}, a range such as 20000-49999, or any${remedy}`,
  )
}

/** As {@link parsePorts} reads it. */
export function formatPorts(ports: Ports): string {
  if (isAny(ports)) return 'any'
  return isSingle(ports) ? `${ports.from}` : `${ports.from}-${ports.to}`
}
