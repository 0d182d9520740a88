/**
 * @file What human labels on a few units say of a judge's mean over many: prediction-powered inference (Angelopoulos et al., 2023),
 * mean(judge, all) + mean(human - judge, calibration), the variance the sum of both; and for yes-or-no judgements the rate corrected by
 * Rogan and Gladen (1978), (p + specificity - 1) / (sensitivity + specificity - 1).
 */
import type { Interval } from './bootstrap.ts'
import { checkFinite, checkLevel, checkPaired, checkProbability } from './checks.ts'
import { normalQuantile } from './normal.ts'
import { mean, sampleDeviation } from './statistics.ts'

export interface CorrectedMean {
  readonly mean: number
  readonly standardError: number
  /** Normal. */
  readonly interval: Interval
}

export interface Calibration {
  /** The judge's grades of the units that no human labelled, in the units of the labels. At least two. */
  readonly judged: ArrayLike<number>
  /** Human labels and the judge's grades of the same, randomly drawn units. At least two. */
  readonly human: ArrayLike<number>
  readonly judgedToo: ArrayLike<number>
  /** Coverage, default .95. */
  readonly level?: number | undefined
}

/** The mean that humans would have given, whatever the judge is worth; a bad judge only widens the interval. */
export function predictionPoweredMean({ judged, human, judgedToo, level = 0.95 }: Calibration): CorrectedMean {
  checkFinite('judged grades', judged, 2)
  checkPaired(human, judgedToo, 2)
  checkLevel('level', level)
  const corrections = Array.from(human, (label, i) => label - judgedToo[i]!)
  const corrected = mean(judged) + mean(corrections)
  const variance = sampleDeviation(judged) ** 2 / judged.length + sampleDeviation(corrections) ** 2 / corrections.length
  const standardError = Math.sqrt(variance)
  const reach = normalQuantile((1 + level) / 2) * standardError
  return { mean: corrected, standardError, interval: [corrected - reach, corrected + reach] }
}

/** True rate behind a judge's rate of yes, at most 1 and at least 0. NaN where the judge is no better than chance: nothing can be inferred. */
export function correctedRate(rate: number, { sensitivity, specificity }: { sensitivity: number; specificity: number }): number {
  checkProbability('rate', rate)
  checkProbability('sensitivity', sensitivity)
  checkProbability('specificity', specificity)
  const beyondChance = sensitivity + specificity - 1
  if (beyondChance <= 0) return Number.NaN
  return Math.min(1, Math.max(0, (rate + specificity - 1) / beyondChance))
}
