/** @file Endless draws in seeded order: everything once before anything twice. */
import { shuffled } from '../math/shuffle.ts'

/** Gives `count` values at each call; an epoch may end inside a batch. @param values at least one */
export function shuffledEpochs<T>(values: readonly T[], random: () => number): (count: number) => T[] {
  let left: T[] = []
  return (count) =>
    Array.from({ length: count }, () => {
      if (left.length === 0) left = shuffled(values, random)
      return left.pop() as T
    })
}
