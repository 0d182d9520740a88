/** @file Log-probabilities of logits, in double precision. */

/** log of the sum of exp(values), nats; NaN or infinite where a value is NaN or no value is finite. */
export function logSumExp(values: ArrayLike<number>): number {
  let most = Number.NEGATIVE_INFINITY
  for (let i = 0; i < values.length; i++) most = Math.max(most, values[i]!)
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += Math.exp(values[i]! - most)
  return most + Math.log(sum)
}

export function logSoftmax(logits: ArrayLike<number>): Float64Array {
  const normaliser = logSumExp(logits)
  return Float64Array.from(logits, (logit) => logit - normaliser)
}
