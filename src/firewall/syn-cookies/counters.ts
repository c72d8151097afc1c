import type { BpfMap } from '../../bpf/index.ts'
import { readSlot } from '../../entry/count.ts'
import { Cookie } from '../../generated/syncookies.ts'
import type { SynCookieCounts } from '../types.ts'

/** What became of the packets that no rule dropped, as far as SYN cookies had to do with it. */
export function readSynCookieCounts(cookies: BpfMap): SynCookieCounts {
  return {
    sent: readSlot(cookies, Cookie.Sent),
    valid: readSlot(cookies, Cookie.Valid),
    bad: readSlot(cookies, Cookie.Bad),
    established: readSlot(cookies, Cookie.Established),
    alarms: readSlot(cookies, Cookie.Alarms).packets,
  }
}
