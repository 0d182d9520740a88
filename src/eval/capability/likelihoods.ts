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

interface Asked extends ScoreRequest, Pick<Likelihood, 'cut'> {
  readonly continuations: number[][]
}

/** In the order of the requests. */
export async function logLikelihoods(
  model: LanguageModel,
  requests: readonly LikelihoodRequest[],
  { beginning, ...run }: LikelihoodOptions,
): Promise<Likelihood[]> {
  const byContext = new Map<string, Asked>()
  const places = requests.map((request) => {
    const { tokens, continuation, cut } = encodeRequest(model, request, { beginning })
    const key = Array.from(tokens).join(' ')
    const scored = byContext.get(key) ?? { tokens, continuations: [], cut }
    byContext.set(key, scored)
    scored.continuations.push(Array.from(continuation))
    return { key, at: scored.continuations.length - 1, cut }
  })
  const ofContext = new Map<string, Float64Array>()
  // What lost its beginning begins unlike the rest, which would then have nothing in common either.
  for (const isCut of [false, true]) {
    const asked = [...byContext].filter(([, { cut }]) => cut > 0 === isCut)
    if (asked.length === 0) continue
    const requested = asked.map(([, { tokens, continuations }]) => ({ tokens, continuations }))
    const scores = await model.score(requested, run)
    asked.forEach(([key], i) => void ofContext.set(key, scores[i]!))
  }
  return places.map(({ key, at, cut }) => ({ logLikelihood: ofContext.get(key)![at]!, cut }))
}
