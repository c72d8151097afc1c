import { BpfMap } from '../../src/bpf/index.ts'
import { loadRules } from '../../tests/support/load-rules.ts'
import type { BenchRun } from '../harness/bench.ts'
import { judge, type Result } from '../harness/result.ts'
import { timingOf } from '../harness/timing.ts'
import { ruleSetOf } from './rule-sets.ts'

const TARGET_MS = 300

/** T13: from text to packets: parse, compile, fill the tables, verify, and swap the program in with its counters kept. */
export async function reload(rules: readonly string[], run: BenchRun): Promise<Result> {
  const stages = BpfMap.create({ kind: 'prog_array', name: 'stages', keySize: 4, valueSize: 4, maxEntries: 1 })
  const counters = BpfMap.create({
    kind: 'percpu_array',
    name: 'counters',
    keySize: 4,
    valueSize: 16,
    maxEntries: 16_384,
  })
  try {
    const samples: number[] = []
    for (let i = 0; i < (run.smoke ? 1 : 10); i++) {
      const start = performance.now()
      const loaded = await loadRules(ruleSetOf(rules), { maps: new Map([['counters', counters]]) })
      stages.setRaw(new Uint8Array(4), new Uint8Array(Uint32Array.of(loaded.program.fd).buffer))
      samples.push(performance.now() - start)
      loaded.close()
    }
    const value = timingOf(samples)
    return judge({
      bench: 'firewall',
      case: 'T13 reload of 1,000 rules',
      keys: 'hot',
      unit: 'ms',
      value,
      target: TARGET_MS,
    })
  } finally {
    stages.close()
    counters.close()
  }
}
