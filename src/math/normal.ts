/** @file The normal distribution. */

/**
 * Share of a standard normal distribution below z, exact to about 1e-15.
 * Series of Marsaglia (2004), "Evaluating the normal distribution": 1/2 + phi(z) (z + z^3/3 + z^5/(3*5) + ...).
 */
export function normalCdf(z: number): number {
  if (Number.isNaN(z)) return z
  if (z < -8) return 0
  if (z > 8) return 1
  let sum = z
  let term = z
  for (let k = 3; sum + term !== sum; k += 2) {
    term *= (z * z) / k
    sum += term
  }
  return 0.5 + sum * Math.exp(-0.5 * z * z - 0.5 * Math.log(2 * Math.PI))
}

/** Inverse of `normalCdf` for probabilities inside (0, 1), by bisection on it: exact to 1e-9. */
export function normalQuantile(probability: number): number {
  let low = -10
  let high = 10
  while (high - low > 1e-10) {
    const middle = (low + high) / 2
    if (normalCdf(middle) < probability) low = middle
    else high = middle
  }
  return (low + high) / 2
}
