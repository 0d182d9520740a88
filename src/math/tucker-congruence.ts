/** @file Tucker's coefficient of congruence of two columns of loadings: phi = sum x y / sqrt(sum x^2 sum y^2). */
import { checkPaired } from './checks.ts'

/** From -1 to 1; unlike a correlation not centred, so that proportional loadings have 1. NaN where all loadings of a column are zero. */
export function tuckerCongruence(a: ArrayLike<number>, b: ArrayLike<number>): number {
  checkPaired(a, b)
  let [product, squaresA, squaresB] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    product += a[i]! * b[i]!
    squaresA += a[i]! ** 2
    squaresB += b[i]! ** 2
  }
  return product / Math.sqrt(squaresA) / Math.sqrt(squaresB)
}
