/** @file Places that each key has a number of: taken, counted, and given back once. */
import { type Problem, refusal } from './problems.ts'

export interface HeldPlaces {
  /** Gives the place back when called. @throws a refusal where the key holds `most` already */
  take(key: string, most: number, full: Problem): () => void
}

export function heldPlaces(): HeldPlaces {
  const held = new Map<string, number>()
  return {
    take(key, most, full) {
      const now = held.get(key) ?? 0
      if (now >= most) throw refusal(full)
      held.set(key, now + 1)
      let isHeld = true
      return () => {
        if (!isHeld) return
        isHeld = false
        const left = (held.get(key) ?? 1) - 1
        if (left === 0) held.delete(key)
        else held.set(key, left)
      }
    },
  }
}
