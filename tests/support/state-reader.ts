// Reads what is in force again and again until its input ends: state-reader.ts PATHS. Prints how often, and what failed.
import { Firewall } from '../../src/firewall/index.ts'

const firewall = new Firewall(JSON.parse(process.argv[2]!))
const reads = [() => firewall.rules(), () => firewall.sets(), () => firewall.counters(), () => firewall.status()]
const failures = new Set<string>()
let count = 0
let goesOn = true
process.stdin.on('end', () => {
  goesOn = false
})
process.stdin.resume()
console.log('reading')
while (goesOn) {
  for (const read of reads) {
    try {
      read()
    } catch (error) {
      failures.add(String(error))
    }
  }
  count++
  await new Promise((resolve) => setImmediate(resolve))
}
console.log(JSON.stringify({ count, failures: [...failures] }))
