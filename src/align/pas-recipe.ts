/** @file The named variants of PAS: as published (paper section 2), ours with its faults removed, and ours on key/value groups. */
import type { ContrastOptions } from '../activations/contrast-pairs.ts'
import { argmaxAnswer, rankedProbabilityScore } from '../items/answer-distribution.ts'
import type { ModelShape } from '../model/shape.ts'
import { byMeanAccuracy, byValidationAccuracy, type RankProbe } from '../probes/select-heads.ts'
import { type SplitRows, splitByItem, splitByRow } from '../probes/split.ts'
import { type AlphaOrder, type AnswerLoss, outwardFromZero, wholeGrid } from './alpha-search.ts'

export interface PasRecipe {
  readonly name: 'pas' | 'pas:published' | 'pas:kv-tied'
  readonly contrast: ContrastOptions
  split(options: { readonly seed: number }): SplitRows
  readonly rank: RankProbe
  headCount(shape: ModelShape): number
  /** Key/value groups are probed and moved in place of heads, all heads of a group alike; default false. */
  readonly kvTied?: boolean | undefined
  readonly alphas: readonly number[]
  /** Which of them are tried. */
  readonly order: (alphas: readonly number[]) => AlphaOrder
  readonly loss: AnswerLoss
}

const PUBLISHED_HEAD_COUNT = 24

/** Distance of the most likely answer: what the published evaluation counts. A step function of alpha. */
const ABSOLUTE_ERROR: AnswerLoss = {
  name: 'absolute-error',
  of: (probabilities, answer) => Math.abs(argmaxAnswer(probabilities) - answer),
}

/** A proper score of the whole distribution: it moves with alpha also where no most likely answer changes. */
const RANKED_PROBABILITY: AnswerLoss = { name: 'ranked-probability', of: rankedProbabilityScore }

/**
 * Five options, letter A against letter E alone, rows split at random, heads ranked by the mean of train and validation accuracy.
 * Its two faults of protocol are not repeated: answers are read in worded coding and alpha is never picked on held-out items.
 */
export const PAS_PUBLISHED: PasRecipe = {
  name: 'pas:published',
  contrast: { orders: ['descending'], answerPrefix: '' },
  split: splitByRow,
  rank: byMeanAccuracy,
  headCount: ({ layers, heads }) => Math.min(PUBLISHED_HEAD_COUNT, layers * heads),
  alphas: [0, 1, 2, 4, 6, 8],
  order: wholeGrid,
  loss: ABSOLUTE_ERROR,
}

/**
 * Both option orders, so that no letter stands for agreement; all rows of an item on one side of the split; heads ranked on
 * validation alone; alphas of both signs, because a head that reads a trait well may steer it backwards.
 */
export const PAS: PasRecipe = {
  name: 'pas',
  contrast: {},
  split: splitByItem,
  rank: byValidationAccuracy,
  // In a small model 24 heads would be most of them: at most a quarter.
  headCount: ({ layers, heads }) => Math.min(PUBLISHED_HEAD_COUNT, Math.ceil((layers * heads) / 4)),
  alphas: [-8, -4, -2, -1, 0, 1, 2, 4, 8],
  order: outwardFromZero,
  loss: RANKED_PROBABILITY,
}

/** What it finds can be carried by a bias of v_proj alone, exactly. The same as `pas` where every head has its own keys and values. */
export const PAS_KV_TIED: PasRecipe = { ...PAS, name: 'pas:kv-tied', kvTied: true }

/** The recipe of a method by its name. */
export const PAS_RECIPES: Readonly<Record<PasRecipe['name'], PasRecipe>> = {
  pas: PAS,
  'pas:published': PAS_PUBLISHED,
  'pas:kv-tied': PAS_KV_TIED,
}
