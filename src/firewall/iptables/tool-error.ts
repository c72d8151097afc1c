import { SeawallError } from '../../entry/errors.ts'
import { IptablesError } from './errors.ts'

/** A program that did not do what it was told. */
export interface ToolFailure {
  readonly program: string
  readonly args: readonly string[]
  /** What it was given to read. */
  readonly input?: string
  readonly stderr: string
}

/** Turns the error output of iptables or ipset into what it means, and what can be done about it. */
export function toolError(failure: ToolFailure): IptablesError | SeawallError {
  const { program, args } = failure
  const stderr = withoutRemarks(failure.stderr)
  const action = `Cannot run "${[program, ...args].join(' ')}"`
  if (/xtables lock/.test(stderr)) {
    const seconds = /waiting after (\S+?)s?\.$/m.exec(stderr)?.[1] ?? 'some'
    return new IptablesError(
      'IPTABLES_LOCKED',
      `${action}: another program has held the xtables lock for ${seconds} s (wait for it, or see fuser /run/xtables.lock)`,
    )
  }
  if (/Permission denied|Operation not permitted/.test(stderr)) {
    return new SeawallError('SEAWALL_PERMISSION', `${action}: ${firstLine(stderr)} (run as root)`)
  }
  const missing = missingPart(stderr)
  if (missing !== undefined) return new IptablesError('IPTABLES_MISSING', `${action}: ${missing}`)
  const where = lineOf(failure)
  const at = where === undefined ? '' : `, at "${where}"`
  return new IptablesError('IPTABLES_FAILED', `${action}: ${firstLine(stderr)}${at} (nothing was changed by it)`)
}

/** A program that is not there at all. */
export function missingProgram(program: string, cause: unknown): IptablesError {
  const name = program === 'ipset' ? 'ipset' : 'iptables'
  return new IptablesError(
    'IPTABLES_MISSING',
    `Cannot run "${program}": it is not installed (apt-get install ${name}, or the package of your distribution)`,
    { cause },
  )
}

/** Names the library or the kernel module that is not there, with what installs or loads it. */
function missingPart(stderr: string): string | undefined {
  const library = /Couldn't load (?:match|target) [`'](\w+)'/.exec(stderr)?.[1]
  if (library !== undefined) {
    return `it has no extension "${library}" (install the whole package iptables: libxt_${library}.so is missing)`
  }
  if (/(match|target) extension not found|Can't find library for/.test(stderr)) {
    return 'it lacks extensions that rules of this host use (install the whole package iptables)'
  }
  const extension = /Extension (\w+) revision \d+ not supported/.exec(stderr)?.[1]
  if (extension !== undefined) return `the kernel has no module xt_${extension} (modprobe xt_${extension})`
  if (/Cannot open session to kernel|Kernel support protocol/.test(stderr)) {
    return 'the kernel has no module ip_set (modprobe ip_set)'
  }
  const table = /can't initialize ip6?tables table [`'](\w+)'/.exec(stderr)?.[1]
  if (table === undefined) return undefined
  return `the kernel has no table ${table} (modprobe iptable_${table} ip6table_${table}, or use the variant nft)`
}

const withoutRemarks = (stderr: string): string =>
  stderr
    .split('\n')
    .filter((line) => !line.startsWith('# Warning'))
    .join('\n')
    .trim()

/** What says why: the first line with a colon and something behind it, without the name and version of the program. */
function firstLine(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.replace(/^ip[\w-]+ v[\d.]+ ?(\(\w+\))?: */, '').trim())
  return lines.find((line) => line !== '') ?? 'it says nothing'
}

/** The line of the input that the program names. */
function lineOf({ input, stderr }: ToolFailure): string | undefined {
  const number = /line:? (\d+)/.exec(stderr)?.[1]
  return number === undefined ? undefined : input?.split('\n')[Number(number) - 1]
}
