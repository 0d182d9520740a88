/** @file The next token from logits: greedy, or drawn at a temperature from the nucleus (Holtzman et al. 2019, arXiv 1904.09751). */
import { PalignError } from '../errors.ts'
import type { GeneratedToken, SamplingOptions } from '../model/language-model.ts'
import { logSumExp } from './log-probabilities.ts'

export interface SamplerOptions extends Pick<SamplingOptions, 'temperature' | 'topP'> {
  /** Uniform numbers in [0, 1). */
  readonly random: () => number
}

/** Draws a token from logits `[vocabSize]`; its log-probability is that of the unscaled distribution. */
export type Sampler = (logits: Float32Array) => GeneratedToken

export function sampler({ temperature = 0, topP = 1, random }: SamplerOptions): Sampler {
  if (!(temperature >= 0 && temperature <= 100)) {
    throw new PalignError('invalid-input', `temperature is ${temperature}, expected 0 to 100`)
  }
  if (!(topP > 0 && topP <= 1)) throw new PalignError('invalid-input', `topP is ${topP}, expected above 0 and at most 1`)
  const choose =
    temperature === 0 ? argmax : (logits: Float32Array) => draw(nucleus(probabilities(logits, temperature), topP), random())
  return (logits) => {
    const normaliser = logSumExp(logits)
    const token = choose(logits)
    return { token, logprob: logits[token]! - normaliser }
  }
}

/** Index of the largest logit, the lowest one among equals. */
function argmax(logits: Float32Array): number {
  let best = 0
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i
  return best
}

function probabilities(logits: Float32Array, temperature: number): Float64Array {
  const most = logits[argmax(logits)]!
  const powers = Float64Array.from(logits, (logit) => Math.exp((logit - most) / temperature))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}

interface Candidate {
  readonly token: number
  readonly probability: number
}

/** The fewest tokens that hold the mass `topP`, most probable first; all of them, unsorted, for `topP` 1. */
function nucleus(probability: Float64Array, topP: number): Candidate[] {
  // Tokens below the cut-off hold less than 1 - topP together, so none of them is needed: only the few others are sorted.
  const cutOff = (1 - topP) / probability.length
  const candidates: Candidate[] = []
  for (let token = 0; token < probability.length; token++) {
    if (probability[token]! >= cutOff) candidates.push({ token, probability: probability[token]! })
  }
  if (topP === 1) return candidates
  candidates.sort((a, b) => b.probability - a.probability || a.token - b.token)
  let mass = 0
  const needed = candidates.findIndex((candidate) => {
    mass += candidate.probability
    return mass >= topP
  })
  return needed === -1 ? candidates : candidates.slice(0, needed + 1)
}

function draw(candidates: readonly Candidate[], uniform: number): number {
  const total = candidates.reduce((sum, { probability }) => sum + probability, 0)
  let rest = uniform * total
  for (const { token, probability } of candidates) {
    rest -= probability
    if (rest < 0) return token
  }
  // Rounding can leave a trace of the mass undrawn.
  return candidates.at(-1)!.token
}
