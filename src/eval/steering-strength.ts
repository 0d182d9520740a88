/**
 * @file How far a persona moves the model where nothing is asked of it: the divergence of its next token from the unsteered model's, on
 * neutral prompts. Alphas of different methods and models cannot be compared; this can.
 */
import { throwIfAborted } from '../errors.ts'
import { logSoftmax } from '../math/log-softmax.ts'
import { quantile } from '../math/statistics.ts'
import type { LanguageModel, RunOptions, Steering } from '../model/language-model.ts'
import { NEUTRAL_PROMPTS } from './neutral-prompts.ts'

const HIGH = 0.95

export interface StrengthMeter {
  /** 95th percentile over the prompts of KL(unsteered || steered) of the next token, nats. */
  of(steering: Steering): Promise<number>
}

/** Asks the unsteered model once. */
export async function strengthMeter(model: LanguageModel, { signal }: Pick<RunOptions, 'signal'> = {}): Promise<StrengthMeter> {
  const prompts: number[][] = []
  for (const content of NEUTRAL_PROMPTS) prompts.push(await model.render([{ role: 'user', content }]))
  const logitsOf = async (steering: Steering) => {
    const logits: Float32Array[] = []
    for (const tokens of prompts) {
      throwIfAborted(signal)
      logits.push(await model.logits({ tokens, ...steering }))
    }
    return logits
  }
  const base = await logitsOf({})
  return {
    async of(steering) {
      const steered = await logitsOf(steering)
      const divergences = base.map((logits, i) => divergence(logits, steered[i]!))
      return quantile(Float64Array.from(divergences).sort(), HIGH)
    },
  }
}

/** KL(p || q) in nats of the distributions that two lists of logits stand for; at least 0 but for rounding. */
export function divergence(p: ArrayLike<number>, q: ArrayLike<number>): number {
  const [logP, logQ] = [logSoftmax(p), logSoftmax(q)]
  let sum = 0
  for (let i = 0; i < logP.length; i++) sum += Math.exp(logP[i]!) * (logP[i]! - logQ[i]!)
  return sum
}
