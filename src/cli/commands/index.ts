import type { CommandSpec } from '../command.ts'
import { add } from './add.ts'
import { apply } from './apply.ts'
import { attach } from './attach.ts'
import { backends } from './backends.ts'
import { bytecode } from './bytecode.ts'
import { capture } from './capture.ts'
import { check } from './check.ts'
import { confirm } from './confirm.ts'
import { detach } from './detach.ts'
import { doctor } from './doctor.ts'
import { down } from './down.ts'
import { drain } from './drain.ts'
import { drop } from './drop.ts'
import { explain } from './explain.ts'
import { iptables } from './iptables.ts'
import { plan } from './plan.ts'
import { remove } from './remove.ts'
import { replay } from './replay.ts'
import { rollback } from './rollback.ts'
import { rules } from './rules.ts'
import { services } from './services.ts'
import { sets } from './sets.ts'
import { sockets } from './sockets.ts'
import { status } from './status.ts'
import { top } from './top.ts'
import { undo } from './undo.ts'
import { undrain } from './undrain.ts'
import { up } from './up.ts'
import { where } from './where.ts'

/** Every command in the order of the help: those that read, then those that change. */
export const commands: readonly CommandSpec[] = [
  check,
  plan,
  status,
  rules,
  sets,
  sockets,
  services,
  backends,
  explain,
  where,
  replay,
  bytecode,
  capture,
  top,
  doctor,
  up,
  apply,
  confirm,
  rollback,
  drop,
  undo,
  add,
  remove,
  drain,
  undrain,
  iptables,
  attach,
  detach,
  down,
]
