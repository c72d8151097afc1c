import { RuleTypeError, ruleErrorCodes } from './errors.ts'
import { fields } from './fields.ts'
import type { Token } from './lexer.ts'
import { pairs } from './make.ts'
import { closest } from './suggest.ts'

/** Names that other tools use, and what they are here. */
const foreign: Readonly<Record<string, string>> = {
  port: '"udp.port" or "tcp.port"',
  dport: '"udp.dstport" or "tcp.dstport"',
  sport: '"udp.srcport" or "tcp.srcport"',
  dst: '"ip.dst"',
  src: '"ip.src"',
  host: '"ip.addr"',
  net: '"ip.addr"',
  proto: '"ip.proto"',
  ip4: '"ipv4"',
  ip6: '"ipv6"',
  'ipv6.src': '"ip.src"',
  'ipv6.dst': '"ip.dst"',
  'ipv6.addr': '"ip.addr"',
  'ipv6.hlim': '"ip.ttl"',
  'ipv6.tclass': '"ip.dscp" or "ip.ecn"',
  'ip.saddr': '"ip.src"',
  'ip.daddr': '"ip.dst"',
  'ip.protocol': '"ip.proto"',
  'ip.fragment': '"ip.frag"',
  'ip.version': '"ipv4" or "ipv6"',
  'tcp.flags.rst': '"tcp.flags.reset"',
  'tcp.flags.psh': '"tcp.flags.push"',
  'tcp.window_size': '"tcp.window"',
  'udp.len': '"udp.length"',
  'dns.name': '"dns.qry.name"',
  'dns.qname': '"dns.qry.name"',
  'dns.qtype': '"dns.qry.type"',
  'dns.qname.labels': '"dns.count.labels"',
  'dns.type': '"dns.qry.type"',
  payload: '"udp.payload" or "tcp.payload"',
}

/** The error for a word where a field should stand. */
export function unknownField(source: string, token: Token): RuleTypeError {
  const near =
    foreign[token.text] ?? quoted(closest(token.text, [...Object.keys(fields), ...Object.keys(pairs), 'not', 'true']))
  const suggestion = near === undefined ? 'docs/rules.md lists all fields' : `did you mean ${near}?`
  const summary = `Unknown field "${token.text}"`
  return new RuleTypeError({ code: ruleErrorCodes.unknownField, summary, suggestion }, source, token)
}

const quoted = (name: string | undefined): string | undefined => (name === undefined ? undefined : `"${name}"`)
