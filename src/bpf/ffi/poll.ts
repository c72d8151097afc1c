import koffi from 'koffi'

/** Watches a descriptor on the event loop, level-triggered: what is not consumed wakes again at once. */
export interface Poll {
  /** Idempotent. The descriptor must still be open. */
  close(): void
  /** Lets the process end although this is still watched. */
  unref(): void
}

/** Calls `onReadable` whenever there is something to read (libuv's `uv_poll`). */
export function pollReadable(fd: number, onReadable: () => void): Poll {
  const handle = koffi.node.poll(fd, { readable: true }, onReadable)
  let closed = false
  const close = (): void => {
    if (closed) return
    closed = true
    handle.stop()
    handle.close()
  }
  return { close, unref: () => handle.unref() }
}
