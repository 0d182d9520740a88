/**
 * @file Norms: what the scores of a group are, so that a raw score can be placed in it. T = 50 + 10 (raw - mean) / SD.
 * A norm always says where it comes from; a score without one stays raw.
 */
import johnson from '../../data/norms-johnson.json' with { type: 'json' }
import sd3 from '../../data/norms-sd3.json' with { type: 'json' }
import { normalCdf } from '../math/normal.ts'
import { IPIP_NEO_120, IPIP_NEO_300 } from './ipip-neo.ts'
import type { Questionnaire } from './questionnaire.ts'
import { ipipNeoAlpha } from './reliability.ts'
import { SD3 } from './sd3.ts'

/** One scale in one group, in raw sums. */
export interface ScaleNorm {
  readonly mean: number
  readonly sd: number
  /** Reliability in the population, for the band around a score. */
  readonly alpha: number
  /** Mid-rank percentiles of the raw sums from `items` (every answer 1) to 5 `items`. */
  readonly percentileBySum?: readonly number[] | undefined
}

/** One group of a norm table. */
export interface NormCell {
  readonly cell: string
  /** Absent: both sexes. */
  readonly sex?: 'male' | 'female' | undefined
  /** Youngest and oldest age; absent: all ages. */
  readonly ages?: readonly [number, number] | undefined
  /** Number of respondents, where published. */
  readonly respondents?: number | undefined
  /** By scale code, domains and facets. */
  readonly scales: Readonly<Record<string, ScaleNorm>>
}

export interface NormSource {
  readonly id: string
  readonly version: string
  readonly source: string
  /** Id of the questionnaire it belongs to. */
  readonly form: string
  /** Published: as its author printed it. Recomputed: from the answers themselves. */
  readonly statistic: 'published' | 'recomputed'
  readonly licence: string
}

export interface NormTable extends NormSource {
  readonly cells: readonly NormCell[]
}

/** One group with its provenance. */
export interface Norm extends NormSource, NormCell {
  readonly kind: 'norm'
}

/** No group fits the respondent. */
export interface NoNorm {
  readonly kind: 'no-norm'
  readonly reason: string
}

/** What a norm table may ask of a respondent. */
export interface Demographics {
  readonly sex?: 'male' | 'female' | 'other' | undefined
  readonly age?: number | undefined
}

function johnsonTable(questionnaire: Questionnaire, cells: (typeof johnson.tables)['ipip-neo-120']): NormTable {
  const traits = [...questionnaire.domains, ...questionnaire.facets]
  return {
    id: `johnson-${questionnaire.id}`,
    version: johnson.version,
    source: johnson.source,
    form: questionnaire.id,
    statistic: 'published',
    licence: johnson.licence,
    cells: cells.map(({ cell, sex, ages, scales }) => ({
      cell,
      sex,
      ages,
      scales: Object.fromEntries(
        traits.map((trait) => {
          const [mean, sd] = scales[trait.code]!
          return [trait.code, { mean, sd, alpha: ipipNeoAlpha(trait) }]
        }),
      ),
    })),
  }
}

/**
 * Johnson's norms of the short form: sex by four age bands. His facet means do not always add up to the mean of their domain,
 * so facets and domains are read each from their own line.
 */
export const JOHNSON_NORMS_120: NormTable = johnsonTable(IPIP_NEO_120, johnson.tables['ipip-neo-120'])

/** Johnson's norms of the long form: sex by two age bands. */
export const JOHNSON_NORMS_300: NormTable = johnsonTable(IPIP_NEO_300, johnson.tables['ipip-neo-300'])

/** A self-selected web sample of 17,740: it places a score among those who took the test on the web, not in a population. */
export const SD3_WEB_NORMS: NormTable = {
  id: 'sd3-web',
  version: sd3.version,
  source: sd3.source,
  form: SD3.id,
  statistic: 'recomputed',
  licence: sd3.licence,
  cells: [
    {
      cell: 'web respondents',
      respondents: sd3.respondents,
      scales: Object.fromEntries(
        SD3.domains.map(({ code, items }) => {
          const { mean, sd, alpha, percentileBySum } = sd3.scales[code as keyof typeof sd3.scales]
          return [code, { mean: mean * items.length, sd: sd * items.length, alpha, percentileBySum }]
        }),
      ),
    },
  ],
}

/**
 * The group of a table that a respondent belongs to. Where the table tells the sexes apart and the sex is not stated or is `other`,
 * there is none: averaging the deviations of two groups would be the deviation of neither.
 */
export function normFor(table: NormTable, { sex, age }: Demographics): Norm | NoNorm {
  const cell = table.cells.find(
    (candidate) =>
      (candidate.sex === undefined || candidate.sex === sex) &&
      (candidate.ages === undefined || (age !== undefined && candidate.ages[0] <= age && age <= candidate.ages[1])),
  )
  if (cell === undefined) {
    const seen = `sex ${sex ?? 'not stated'}, age ${age ?? 'not stated'}`
    return { kind: 'no-norm', reason: `norm table ${table.id} has no group for ${seen}` }
  }
  const { cells: _, ...source } = table
  return { kind: 'norm', ...source, ...cell }
}

/** T score of a raw sum, not rounded. */
export function tScore(raw: number, { mean, sd }: ScaleNorm): number {
  return 50 + (10 * (raw - mean)) / sd
}

/** Percentile and what it rests on: the counted ranks of the group, or a normal distribution of T. */
export interface Percentile {
  readonly value: number
  readonly basis: 'empirical' | 'normal'
}

/** Percentile of a raw sum of `items` items: from the table of ranks where the norm has one (prorated sums between its lines). */
export function percentileOf(raw: number, items: number, norm: ScaleNorm): Percentile {
  const table = norm.percentileBySum
  if (table === undefined) return { value: 100 * normalCdf((raw - norm.mean) / norm.sd), basis: 'normal' }
  const place = Math.min(Math.max(raw - items, 0), table.length - 1)
  const below = table[Math.floor(place)]!
  const above = table[Math.ceil(place)]!
  return { value: below + (above - below) * (place - Math.floor(place)), basis: 'empirical' }
}

/** Ends of the 95 % band of a T score: T +- 1.96 SEM, SEM = 10 sqrt(1 - alpha). */
export function tInterval(t: number, alpha: number): readonly [number, number] {
  const half = 1.96 * 10 * Math.sqrt(1 - alpha)
  return [t - half, t + half]
}
