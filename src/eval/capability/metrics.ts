/**
 * @file Measures of one multiple-choice document, from the log-likelihoods (nats) of its choices, as the Language Model Evaluation Harness
 * defines them. Of equals the first counts.
 */
import { logSumExp } from '../../math/log-softmax.ts'

/** Index of the largest number, the first of equals. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i
  return best
}

/** Log-likelihoods per character; a character is a Unicode code point, the delimiter is not counted. */
export function perCharacter(logLikelihoods: readonly number[], choices: readonly string[]): number[] {
  return logLikelihoods.map((value, i) => value / Array.from(choices[i]!).length)
}

/** Log-likelihoods per byte of UTF-8; the delimiter is not counted. */
export function perByte(logLikelihoods: readonly number[], choices: readonly string[]): number[] {
  const encoder = new TextEncoder()
  return logLikelihoods.map((value, i) => value / encoder.encode(choices[i]!).length)
}

/** How much likelier the context makes each choice: its log-likelihood less that after nothing. */
export function mutualInformation(logLikelihoods: readonly number[], unconditional: readonly number[]): number[] {
  return logLikelihoods.map((value, i) => value - unconditional[i]!)
}

/** Sum over the choices of (p - 1[right])^2, p the softmax of the log-likelihoods; 0 is best, 2 worst. */
export function brierScore(logLikelihoods: readonly number[], right: number): number {
  const normaliser = logSumExp(logLikelihoods)
  return logLikelihoods.reduce((sum, value, i) => sum + (Math.exp(value - normaliser) - (i === right ? 1 : 0)) ** 2, 0)
}

/** Share of the likelihood that true answers have (MC2 of TruthfulQA: Lin, Hilton and Evans 2022). */
export function truthfulMass(answers: readonly { readonly logLikelihood: number; readonly isTrue: boolean }[]): number {
  const logsOf = (list: typeof answers) => list.map(({ logLikelihood }) => logLikelihood)
  // The difference of logarithms: likelihoods of long answers are too small to be added.
  return Math.exp(logSumExp(logsOf(answers.filter(({ isTrue }) => isTrue))) - logSumExp(logsOf(answers)))
}
