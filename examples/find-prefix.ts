// Addresses and prefixes are plain values.
import { formatPrefix, parseAddress, parsePrefix, prefixContains } from 'seawall/net'

const prefixes = ['192.0.2.0/24', '2001:db8::/32'].map(parsePrefix)

for (const text of ['192.0.2.77', '2001:db8:1::1', '198.51.100.1']) {
  const found = prefixes.find((prefix) => prefixContains(prefix, parseAddress(text)))
  console.log(`${text}: ${found ? formatPrefix(found) : 'in none'}`)
}

// Prints:
// 192.0.2.77: 192.0.2.0/24
// 2001:db8:1::1: 2001:db8::/32
// 198.51.100.1: in none
