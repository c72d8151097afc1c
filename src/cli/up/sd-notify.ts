import { execFile } from 'node:child_process'

/**
 * Tells systemd that the service is ready. Node has no datagram sockets of the Unix kind, so systemd's own program sends it,
 * which is why the unit has `NotifyAccess=all`. Does nothing when nobody waits for it.
 *
 * @returns why it could not be told, if so.
 */
export function sdNotify(
  env: Readonly<Record<string, string | undefined>>,
  state: string,
): Promise<string | undefined> {
  if (env.NOTIFY_SOCKET === undefined) return Promise.resolve(undefined)
  return new Promise((resolve) => {
    execFile('systemd-notify', [state], { env: { ...env }, timeout: 5_000 }, (error) => resolve(error?.message))
  })
}
