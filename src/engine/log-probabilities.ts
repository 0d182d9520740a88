/** @file Logits -> log-probabilities, in double precision. */
import { PalignError } from '../errors.ts'

/** log sum exp of the logits, in nats; throws `non-finite` where the model's numbers broke down. */
export function logSumExp(logits: Float32Array): number {
  let most = Number.NEGATIVE_INFINITY
  for (let i = 0; i < logits.length; i++) most = Math.max(most, logits[i]!)
  let sum = 0
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i]! - most)
  const result = most + Math.log(sum)
  if (!Number.isFinite(result)) {
    throw new PalignError('non-finite', 'logits contain NaN or infinity', {
      hint: 'lower alpha if a persona is in use; otherwise the weights are damaged',
    })
  }
  return result
}
