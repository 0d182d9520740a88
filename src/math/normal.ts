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

/**
 * Value below which a share `p` of a standard normal distribution lies, exact to about 1e-12 for p from .001 to .999, 1e-10 from .00001 to .99999.
 * Starts from the rational function of Abramowitz and Stegun 26.2.22 (error below .003) and refines it with Halley's method on `normalCdf`.
 */
export function normalQuantile(p: number): number {
  if (!(p > 0 && p < 1)) throw new RangeError(`probability is ${p}, expected a number between 0 and 1, both excluded`)
  const t = Math.sqrt(-2 * Math.log(Math.min(p, 1 - p)))
  const tail = t - (2.30753 + 0.27061 * t) / (1 + t * (0.99229 + 0.04481 * t))
  let z = p < 0.5 ? -tail : tail
  for (let step = 0; step < 3; step++) {
    const newton = (normalCdf(z) - p) * Math.sqrt(2 * Math.PI) * Math.exp(0.5 * z * z)
    z -= newton / (1 + 0.5 * z * newton)
  }
  return z
}
