/** @file Log-likelihoods of many requests: those with one context go through the model together. */
import type { LanguageModel, RunOptions, ScoreRequest } from '../../model/language-model.ts'
import { type EncodeOptions, encodeRequest, type LikelihoodRequest } from './requests.ts'

export interface LikelihoodOptions extends Pick<RunOptions, 'displacement' | 'adapter' | 'signal'>, EncodeOptions {}

export interface Likelihood {
  /** Sum of the log-probabilities of the continuation's tokens, nats. */
  readonly logLikelihood: number
  /** Tokens cut from the beginning of the context. */
  readonly cut: number
}

/** In the order of the requests. */
export async function logLikelihoods(
  model: LanguageModel,
  requests: readonly LikelihoodRequest[],
  { beginning, ...run }: LikelihoodOptions,
): Promise<Likelihood[]> {
  const byContext = new Map<string, ScoreRequest & { readonly continuations: number[][] }>()
  const places = requests.map((request) => {
    const { tokens, continuation, cut } = encodeRequest(model, request, { beginning })
    const key = Array.from(tokens).join(' ')
    const scored = byContext.get(key) ?? { tokens, continuations: [] }
    byContext.set(key, scored)
    scored.continuations.push(Array.from(continuation))
    return { key, at: scored.continuations.length - 1, cut }
  })
  const scores = await model.score([...byContext.values()], run)
  const ofContext = new Map([...byContext.keys()].map((key, i) => [key, scores[i]!]))
  return places.map(({ key, at, cut }) => ({ logLikelihood: ofContext.get(key)![at]!, cut }))
}
