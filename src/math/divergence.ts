/** @file How far two distributions over the same outcomes are apart, from their logits. */
import { logSoftmax } from './log-softmax.ts'

export interface Divergence {
  /** Half the sum of |p - q|, 0 to 1. */
  readonly totalVariation: number
  /** Sum of p log (p / q), nats; p is the first. */
  readonly kullbackLeibler: number
  /** Largest |log p - log q|, nats. */
  readonly largestLogRatio: number
}

/** @param p logits, or log-probabilities up to a constant; @param q of the same length */
export function divergence(p: ArrayLike<number>, q: ArrayLike<number>): Divergence {
  const [first, second] = [logSoftmax(p), logSoftmax(q)]
  let [variation, divergence, largest] = [0, 0, 0]
  for (let i = 0; i < first.length; i++) {
    const ratio = first[i]! - second[i]!
    const probability = Math.exp(first[i]!)
    variation += Math.abs(probability - Math.exp(second[i]!))
    if (probability > 0) divergence += probability * ratio
    largest = Math.max(largest, Math.abs(ratio))
  }
  return { totalVariation: variation / 2, kullbackLeibler: Math.max(0, divergence), largestLogRatio: largest }
}
