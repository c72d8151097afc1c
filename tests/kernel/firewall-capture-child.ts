/** Reads a capture until it is killed. */
import { Firewall, type Paths } from '../../src/firewall/index.ts'

const [paths, id] = process.argv.slice(2)
const reader = new Firewall(JSON.parse(paths!) as Paths).openCapture(id!)
process.stdout.write('reading')
for await (const _ of reader.batches(new AbortController().signal));
