/** @file Logits -> log-probabilities, in double precision. */
import { PalignError } from '../errors.ts'
import { logSumExp } from '../math/log-softmax.ts'

/** log sum exp of the logits, in nats; throws `non-finite` where the model's numbers broke down. */
export function normaliserOf(logits: Float32Array): number {
  const result = logSumExp(logits)
  if (Number.isFinite(result)) return result
  throw new PalignError('non-finite', 'logits contain NaN or infinity', {
    hint: 'lower alpha if a persona is in use; otherwise the weights are damaged',
  })
}
