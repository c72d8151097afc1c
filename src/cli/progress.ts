import type { Output } from './environment.ts'

/** Milliseconds of silence before a progress line appears. */
const PATIENCE = 1_000

/** Waits for `work`; once that has taken a second, says what it is waiting for, on a terminal with the seconds so far. */
export async function withProgress<T>(output: Output, what: string, work: Promise<T>): Promise<T> {
  let shown = false
  const started = performance.now()
  const show = () => {
    const seconds = Math.round((performance.now() - started) / 1_000)
    if (output.isTTY) output.write(`\r${what} … ${seconds}s`)
    else if (!shown) output.write(`${what} …\n`)
    shown = true
  }
  const timer = setInterval(show, PATIENCE)
  try {
    return await work
  } finally {
    clearInterval(timer)
    if (shown && output.isTTY) output.write('\r\u001b[K')
  }
}
