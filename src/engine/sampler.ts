/** @file The next token from logits: greedy, or drawn at a temperature from the nucleus (Holtzman et al. 2019, arXiv 1904.09751). */
import { PalignError } from '../errors.ts'
import { type GeneratedToken, MOST_TOP_LOGPROBS, type SamplingOptions } from '../model/language-model.ts'
import { assertFinite, rankedToken } from './log-probabilities.ts'

export interface SamplerOptions extends Pick<SamplingOptions, 'temperature' | 'topP' | 'topLogprobs'> {
  /** Uniform numbers in [0, 1). */
  readonly random: () => number
}

/** Draws a token from logits `[vocabSize]`; its log-probability, where it is wanted, is that of the unscaled distribution. */
export type Sampler = (logits: Float32Array) => GeneratedToken

export function sampler({ temperature = 0, topP = 1, topLogprobs, random }: SamplerOptions): Sampler {
  if (!(temperature >= 0 && temperature <= 100)) {
    throw new PalignError('invalid-input', `temperature is ${temperature}, expected 0 to 100`)
  }
  if (!(topP > 0 && topP <= 1)) throw new PalignError('invalid-input', `topP is ${topP}, expected above 0 and at most 1`)
  const choose = (logits: Float32Array) =>
    temperature === 0 ? argmax(logits) : draw(nucleus(powers(logits, temperature), topP), random())
  if (topLogprobs === undefined) {
    return (logits) => {
      assertFinite(logits)
      return { token: choose(logits) }
    }
  }
  checkTopLogprobs(topLogprobs)
  return (logits) => rankedToken(logits, choose(logits), topLogprobs)
}

export function checkTopLogprobs(count: number): void {
  if (Number.isInteger(count) && count >= 0 && count <= MOST_TOP_LOGPROBS) return
  throw new PalignError('invalid-input', `topLogprobs is ${count}, expected an integer from 0 to ${MOST_TOP_LOGPROBS}`)
}

/** Index of the largest logit, the lowest one among equals. */
function argmax(logits: Float32Array): number {
  let best = 0
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i
  return best
}

/** Probabilities at a temperature, up to a common factor: exp((logit - largest) / temperature). */
function powers(logits: Float32Array, temperature: number): Float64Array {
  const most = logits[argmax(logits)]!
  const weights = new Float64Array(logits.length)
  for (let i = 0; i < weights.length; i++) weights[i] = Math.exp((logits[i]! - most) / temperature)
  return weights
}

/** The weights of the fewest tokens that hold the share `topP` of their sum; zero for all others. */
function nucleus(weights: Float64Array, topP: number): Float64Array {
  if (topP === 1) return weights
  const total = sum(weights)
  // Tokens below the cut-off hold less than 1 - topP together, so none of them is needed: only the few others are sorted.
  const cutOff = ((1 - topP) / weights.length) * total
  const candidates: number[] = []
  for (let token = 0; token < weights.length; token++) if (weights[token]! >= cutOff) candidates.push(token)
  candidates.sort((a, b) => weights[b]! - weights[a]! || a - b)
  const kept = new Float64Array(weights.length)
  let mass = 0
  for (const token of candidates) {
    kept[token] = weights[token]!
    mass += weights[token]!
    if (mass >= topP * total) break
  }
  return kept
}

function draw(weights: Float64Array, uniform: number): number {
  let rest = uniform * sum(weights)
  let last = 0
  for (let token = 0; token < weights.length; token++) {
    if (weights[token] === 0) continue
    last = token
    rest -= weights[token]!
    if (rest < 0) break
  }
  // Rounding can leave a trace of the mass undrawn: it goes to the last token.
  return last
}

function sum(values: Float64Array): number {
  let total = 0
  for (let i = 0; i < values.length; i++) total += values[i]!
  return total
}
