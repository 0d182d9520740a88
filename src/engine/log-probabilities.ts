/** @file Logits -> log-probabilities, in double precision. */
import { PalignError } from '../errors.ts'
import { logSumExp } from '../math/log-softmax.ts'
import type { RankedToken, TokenLogprob } from '../model/language-model.ts'

/** log sum exp of the logits, in nats; throws `non-finite` where the model's numbers broke down. */
export function normaliserOf(logits: Float32Array): number {
  const result = logSumExp(logits)
  if (Number.isFinite(result)) return result
  throw notFinite()
}

/** @throws PalignError `non-finite` */
export function assertFinite(logits: Float32Array): void {
  // Of finite numbers all differences to themselves are zero.
  let differences = 0
  for (let i = 0; i < logits.length; i++) differences += logits[i]! - logits[i]!
  if (differences !== 0) throw notFinite()
}

function notFinite(): PalignError {
  return new PalignError('non-finite', 'logits contain NaN or infinity', {
    hint: 'lower alpha if a persona is in use; otherwise the weights are damaged',
  })
}

/** @throws PalignError `non-finite` as `normaliserOf` does */
export function rankedToken(logits: Float32Array, token: number, topLogprobs: number): RankedToken {
  const normaliser = normaliserOf(logits)
  const logprobOf = (id: number): TokenLogprob => ({ token: id, logprob: logits[id]! - normaliser })
  const ranked = logprobOf(token)
  return topLogprobs === 0 ? ranked : { ...ranked, top: largest(logits, topLogprobs).map(logprobOf) }
}

/** Indices of the largest values, descending, the lower index first among equals. */
function largest(values: Float32Array, count: number): number[] {
  const kept: number[] = []
  for (let i = 0; i < values.length; i++) {
    if (kept.length === count && values[i]! <= values[kept[count - 1]!]!) continue
    let place = kept.length
    while (place > 0 && values[kept[place - 1]!]! < values[i]!) place--
    kept.splice(place, 0, i)
    if (kept.length > count) kept.pop()
  }
  return kept
}
