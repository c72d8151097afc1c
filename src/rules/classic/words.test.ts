import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BpfError } from '../../bpf/errors.ts'
import { compilePcapFilter } from '../../bpf/pcap-filter.ts'
import { ClassicError } from './error.ts'
import { keywords, refuseNames } from './words.ts'

test('keywords are keywords of libpcap, so that it never takes one for the name of a host', () => {
  for (const word of keywords) {
    try {
      compilePcapFilter(`src host ${word}`)
    } catch (error) {
      assert.ok(error instanceof BpfError && !error.message.includes('unknown host'), word)
    }
  }
})

test('refuseNames() finds what libpcap would ask name servers about, and says what was meant', () => {
  const found = (text: string): string => {
    try {
      refuseNames(text)
      return 'nothing'
    } catch (error) {
      assert.ok(error instanceof ClassicError && error.at)
      return text.slice(error.at.offset, error.at.offset + error.at.length)
    }
  }
  assert.equal(found('host example.com'), 'example.com')
  assert.equal(found('port 80 and src 3com.com or tcp'), '3com.com')
  assert.equal(found('net localnet'), 'localnet')
  assert.equal(found('host \\tcp'), '\\tcp')
  assert.equal(found('port domain and host domain'), 'domain')
  assert.equal(found('tcp[13] & 2 != 0 && len-20 > 3'), 'len-20')
  assert.throws(() => refuseNames('udp prot 53'), {
    message: /Unknown word "prot"/,
    suggestion: 'did you mean "port"?',
  })
  const fine = [
    'port http or https and portrange ftp-telnet',
    'ip proto \\tcp or ip proto gre',
    'host 10.0.0.1 or net 10.1 or net 2001:db8::/32 or host ::1',
    'ether host 0:1:2:a:b:c or ether host 00-11-22-aa-bb-cc or ether host 0011.22aa.bbcc',
    'tcp[tcpflags]&(tcp-syn|tcp-ack)=0x12 and ip[2:2]>>3!=len and portrange 80-90',
    'llc rr or ether proto \\ip or port 80',
    'icmp[icmptype]==icmp-echo and not vlan 5',
  ]
  for (const text of fine) assert.equal(found(text), 'nothing', text)
})
