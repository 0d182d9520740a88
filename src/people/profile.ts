/** @file Profile of a respondent: every domain and facet with its raw score, its place in a norm group and its error band. */
import { PalignError } from '../errors.ts'
import {
  type NoNorm,
  type Norm,
  type NormTable,
  normFor,
  type Percentile,
  percentileOf,
  type ScaleNorm,
  tInterval,
  tScore,
} from '../items/norms.ts'
import { toKeyed } from '../items/questionnaire.ts'
import { type RefusedScale, type ScaleScore, type ScoredScale, score } from '../items/scoring.ts'
import type { Respondent } from './respondent.ts'

/** A raw score without a norm group. */
export interface RawScale extends Omit<ScoredScale, 'kind'> {
  readonly kind: 'raw'
  readonly reason: string
}

/** A score placed in a norm group. Show the band with it, not a label. */
export interface NormedScale extends Omit<ScoredScale, 'kind'> {
  readonly kind: 'normed'
  /** T score, not rounded: mean 50, standard deviation 10 in the norm group. */
  readonly t: number
  readonly percentile: Percentile
  /** Reliability behind the interval. */
  readonly alpha: number
  /** 95 % band for the error of measurement, in T and in percentiles. */
  readonly interval: {
    readonly t: readonly [number, number]
    readonly percentile: readonly [number, number]
  }
  readonly normId: string
  readonly normSource: string
  /** Name of the norm group, and version of its table: to be shown beside every percentile. */
  readonly normCell: string
  readonly normVersion: string
}

export type ProfileScale = RefusedScale | RawScale | NormedScale

export interface Profile {
  /** Id of the questionnaire. */
  readonly questionnaire: string
  readonly norm: Norm | NoNorm
  readonly domains: readonly ProfileScale[]
  readonly facets: readonly ProfileScale[]
}

/**
 * Profile of a respondent against a norm table of the same questionnaire. Without a fitting norm group scores stay raw, and say why.
 * A table of another questionnaire is an `invalid-input` error.
 */
export function profile(respondent: Respondent, { norms }: { readonly norms: NormTable }): Profile {
  const { questionnaire, answers } = respondent
  if (norms.form !== questionnaire.id) {
    throw new PalignError('invalid-input', `norm table ${norms.id} is for ${norms.form}, expected one for ${questionnaire.id}`, {
      hint: 'choose the norms of the questionnaire that was answered',
    })
  }
  const norm = normFor(norms, respondent)
  const scores = score(questionnaire, toKeyed(questionnaire, answers))
  const placed = (scale: ScaleScore) => placeInNorm(scale, norm)
  return { questionnaire: questionnaire.id, norm, domains: scores.domains.map(placed), facets: scores.facets.map(placed) }
}

function placeInNorm(scale: ScaleScore, norm: Norm | NoNorm): ProfileScale {
  if (scale.kind === 'refused') return scale
  if (norm.kind === 'no-norm') return { ...scale, kind: 'raw', reason: norm.reason }
  const scaleNorm = norm.scales[scale.trait.code]
  if (scaleNorm === undefined) return { ...scale, kind: 'raw', reason: `norm ${norm.id} has no scale ${scale.trait.code}` }
  const items = scale.trait.items.length
  const t = tScore(scale.raw, scaleNorm)
  const band = tInterval(t, scaleNorm.alpha)
  return {
    ...scale,
    kind: 'normed',
    t,
    percentile: percentileOf(scale.raw, items, scaleNorm),
    alpha: scaleNorm.alpha,
    interval: { t: band, percentile: [percentileOfT(band[0], items, scaleNorm), percentileOfT(band[1], items, scaleNorm)] },
    normId: norm.id,
    normSource: norm.source,
    normCell: norm.cell,
    normVersion: norm.version,
  }
}

function percentileOfT(t: number, items: number, norm: ScaleNorm): number {
  return percentileOf(norm.mean + (norm.sd * (t - 50)) / 10, items, norm).value
}
