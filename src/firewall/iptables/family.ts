/** iptables and ip6tables know nothing of each other: what holds for one is said again for the other. */
export type Family = 4 | 6
export const families = [4, 6] as const

/** One value for each family. */
export type PerFamily<T> = Readonly<Record<Family, T>>

export const perFamily = <T>(make: (family: Family) => T): PerFamily<T> => ({ 4: make(4), 6: make(6) })

/** The table of Seawall's chain: before connection tracking, so that what is dropped costs no entry there. */
export const TABLE = 'raw'
