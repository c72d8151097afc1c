import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { createMemory } from './memory.ts'
import { openMap } from './open.ts'
import { writing } from './pins.ts'
import { u32 } from './u32.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Pins a value as JSON in a map of its own, in place of the one that may be there: readers see either. */
export function writeDocument(folder: string, name: string, value: unknown): void {
  const bytes = documentBytes(value)
  const map = createMemory(name, bytes.length)
  const [fresh, pin] = [join(folder, `${name}-new`), join(folder, name)]
  try {
    map.setRaw(u32(0), bytes)
    writing(`pin "${pin}"`, () => {
      map.pin(fresh)
      renameSync(fresh, pin)
    })
  } finally {
    map.close()
  }
}

/** The bytes of a map value with a value as JSON, whose length is a multiple of 8. */
export function documentBytes(value: unknown): Uint8Array {
  const text = encoder.encode(JSON.stringify(value))
  const bytes = new Uint8Array(Math.ceil(text.length / 8) * 8)
  bytes.fill(0x20)
  bytes.set(text)
  return bytes
}

/** Reads such a value; undefined when it is no JSON. */
export function readDocument(folder: string, name: string): unknown {
  const map = openMap(join(folder, name))
  try {
    return parseDocument(map.getRaw(u32(0))!)
  } finally {
    map.close()
  }
}

export function parseDocument(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes))
  } catch {
    return undefined
  }
}
