import { ClassicError, type ClassicProgram, checkClassic, decodeClassic } from '../../rules/classic/index.ts'

export const COOKIE_WANTED = 'a classic program that returns the cookie, such as "2,40 0 0 0,22 0 0 0"'

/**
 * Reads a classic program that finds the cookie in a datagram, whose payload begins at 0: the number of instructions and each as code, jt, jf and
 * k, as `tcpdump -ddd` and `iptables -m bpf --bytecode` have them. It returns 1 to 65535, or anything else where there is no cookie.
 *
 * @throws ClassicError CLASSIC_UNKNOWN, CLASSIC_UNSOUND
 */
export function parseCookieProgram(text: unknown): ClassicProgram {
  const [count, ...lines] = typeof text === 'string' ? text.trim().split(/\s*[,\n]\s*/) : []
  const instructions = lines.map((line, place) => {
    const numbers = line.split(/\s+/)
    const [code, jt, jf, k] = numbers.map((word, index) => readNumber(word, LARGEST[index] ?? 0))
    if (numbers.length !== 4 || code === undefined || jt === undefined || jf === undefined || k === undefined)
      throw unreadable(`instruction ${place} is "${line}"`)
    return { code, jt, jf, k }
  })
  if (count === undefined || readNumber(count, 0xffff) !== lines.length)
    throw unreadable(
      `it begins with "${count ?? ''}", wanted the number of its instructions, of which there are ${lines.length}`,
    )
  return checkClassic(instructions.map(decodeClassic))
}

/** Of code, jt, jf and k. */
const LARGEST = [0xffff, 0xff, 0xff, 0xffff_ffff]

function readNumber(word: string, largest: number): number | undefined {
  const value = /^(\d{1,10}|0x[\da-f]{1,8})$/i.test(word) ? Number(word) : Number.NaN
  return value <= largest ? value : undefined
}

const unreadable = (what: string): ClassicError => new ClassicError('CLASSIC_UNKNOWN', what)
