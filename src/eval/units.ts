/**
 * @file Work in units that survive the process: a unit is known by the hash of everything its result depends on, is computed once,
 * whoever asks, and is read from then on. Several processes may share one store.
 */
import { PalignError, throwIfAborted } from '../errors.ts'
import { sha256 } from '../math/sha256.ts'
import type { Progress } from '../model/language-model.ts'

export { sha256 }

/** Results by key, and who is at work on what. */
export interface UnitStore {
  read(key: string): Promise<string | undefined>
  /** Takes a unit that has no result and that nobody else holds. What is taken is held until it is written, released or its holder is gone. */
  claim(key: string): Promise<boolean>
  /** Stores a result; the unit is held no more. */
  write(key: string, result: string): Promise<void>
  /** Gives a unit back without a result. */
  release(key: string): Promise<void>
}

/** Of one process, for as long as it lives. */
export function memoryUnits(): UnitStore {
  const results = new Map<string, string>()
  return {
    read: async (key) => results.get(key),
    claim: async (key) => !results.has(key),
    write: async (key, result) => void results.set(key, result),
    release: async () => undefined,
  }
}

/** sha256 in hexadecimal of a description: plain JSON, its properties in the order they are written. */
export function unitKey(description: object): Promise<string> {
  return sha256(JSON.stringify(description))
}

/** What a stored result means. @throws PalignError `malformed-file` where `decode` throws: a store may be damaged, or of a program that was changed */
export function readUnit<T>(result: string, decode: (json: unknown) => T): T {
  try {
    return decode(JSON.parse(result))
  } catch (cause) {
    throw new PalignError('malformed-file', 'store holds a unit that cannot be read', {
      hint: 'give another folder to --store, or remove this one',
      cause,
    })
  }
}

/** A stored list of so many members. @throws PalignError `malformed-file` for anything else */
export function readListUnit<T>(result: string, count: number): T[] {
  return readUnit(result, (json) => {
    if (Array.isArray(json) && json.length === count) return json as T[]
    throw new RangeError(`unit is no list of ${count}`)
  })
}

export interface Unit {
  readonly key: string
  compute(): Promise<string>
}

export interface RunUnitsOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Waits before a unit that somebody else holds is looked at again; default a fifth of a second. */
  readonly wait?: (() => Promise<void>) | undefined
}

/** Results in the order of the units; those of others are waited for. What was held when an error ends the run is given back. */
export async function runUnits(
  store: UnitStore,
  units: readonly Unit[],
  { signal, onProgress, wait = () => new Promise((resolve) => setTimeout(resolve, 200)) }: RunUnitsOptions = {},
): Promise<string[]> {
  const results = new Map<number, string>()
  const finish = (index: number, result: string) => {
    results.set(index, result)
    onProgress?.({ done: results.size, total: units.length })
  }
  while (results.size < units.length) {
    let moved = false
    for (const [index, { key, compute }] of units.entries()) {
      if (results.has(index)) continue
      throwIfAborted(signal)
      const stored = await store.read(key)
      if (stored !== undefined) {
        finish(index, stored)
        moved = true
      } else if (await store.claim(key)) {
        finish(index, await computeHeld(store, { key, compute }))
        moved = true
      }
    }
    if (!moved) await wait()
  }
  return units.map((_, index) => results.get(index)!)
}

async function computeHeld(store: UnitStore, { key, compute }: Unit): Promise<string> {
  // Between the look and the claim another process may have finished it.
  const stored = await store.read(key)
  if (stored !== undefined) {
    await store.release(key)
    return stored
  }
  try {
    const result = await compute()
    await store.write(key, result)
    return result
  } catch (error) {
    await store.release(key)
    throw error
  }
}
