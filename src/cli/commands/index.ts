import type { CommandSpec } from '../command.ts'
import { add } from './add.ts'
import { apply } from './apply.ts'
import { attach } from './attach.ts'
import { backends } from './backends.ts'
import { bind } from './bind.ts'
import { bindings } from './bindings.ts'
import { bytecode } from './bytecode.ts'
import { capture } from './capture.ts'
import { check } from './check.ts'
import { confirm } from './confirm.ts'
import { destinations } from './destinations.ts'
import { detach } from './detach.ts'
import { doctor } from './doctor.ts'
import { down } from './down.ts'
import { drain } from './drain.ts'
import { drop } from './drop.ts'
import { explain } from './explain.ts'
import { generations } from './generations.ts'
import { iptables } from './iptables.ts'
import { load } from './load.ts'
import { plan } from './plan.ts'
import { promote } from './promote.ts'
import { register } from './register.ts'
import { registerPid } from './register-pid.ts'
import { remove } from './remove.ts'
import { replay } from './replay.ts'
import { rollback } from './rollback.ts'
import { rules } from './rules.ts'
import { services } from './services.ts'
import { sets } from './sets.ts'
import { sockets } from './sockets.ts'
import { status } from './status.ts'
import { top } from './top.ts'
import { unbind } from './unbind.ts'
import { undo } from './undo.ts'
import { undrain } from './undrain.ts'
import { unload } from './unload.ts'
import { unregister } from './unregister.ts'
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
  bindings,
  destinations,
  generations,
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
  bind,
  unbind,
  register,
  registerPid,
  unregister,
  promote,
  load,
  unload,
  iptables,
  attach,
  detach,
  down,
]
