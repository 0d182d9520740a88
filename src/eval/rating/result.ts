/** @file The result of a study with raters, made from its ballot, and its JSON as it is read back. Numbers that are none are null. */
import { z } from 'zod'
import { PalignError } from '../../errors.ts'
import { parseStored } from '../stored-result.ts'
import { agreementOf, repeatConsistency } from './agreement.ts'
import { armStrengths, lengthOfWinners, pairOutcomes } from './outcomes.ts'
import type { RatingKey } from './package.ts'
import type { Ballot } from './ratings.ts'

const number = z.number().nullable()
const ends = z.tuple([number, number])
const measured = z.looseObject({ value: number, interval: ends })
const text = z.string().max(1000)
const count = z.number().int().min(0)

const result = z.looseObject({
  kind: z.literal('ratings'),
  package: text,
  /** Raters whose votes count, and those who failed checks of attention. */
  raters: count,
  dropped: z.array(z.looseObject({ rater: text, checks: count, failed: count })).max(10_000),
  votes: count,
  identicalTexts: count,
  version: text,
  seed: z.number(),
  pairs: z
    .array(
      z.looseObject({
        first: text,
        second: text,
        wins: count,
        losses: count,
        ties: count,
        bothBad: count,
        winRate: measured,
        decisive: measured,
        detectable: number,
      }),
    )
    .max(100_000),
  strengths: z.array(measured.extend({ arm: text, normalInterval: ends })).max(1000),
  tie: number,
  agreement: z.looseObject({
    krippendorffOrdinal: measured,
    krippendorffNominal: measured,
    weightedKappa: z.array(z.looseObject({ raters: z.tuple([text, text]), value: number, n: count })).max(1_000_000),
    icc: z
      .looseObject({ form: z.enum(['ICC(2,k)', 'ICC(1,k)']), targets: count, raters: count, single: measured, average: measured })
      .nullable(),
  }),
  repeatConsistency: measured
    .extend({ raters: z.array(z.looseObject({ rater: text, repeats: count, same: count })).max(10_000) })
    .nullable(),
  lengthOfWinners: z.looseObject({ difference: measured, longerWon: measured }),
  /** Of the pair of arms with the fewest decisive votes. */
  power: z.looseObject({ decisivePairs: count, detectable: number }),
})

export type RatingsResult = z.infer<typeof result>

export interface RatingsResultOptions {
  readonly seed: number
  readonly version: string
  /** Of every bootstrap; default 2,000. */
  readonly resamples?: number | undefined
}

/** @throws PalignError `invalid-input` where no vote is left */
export function ratingsResult(
  key: RatingKey,
  ballot: Ballot,
  { seed, version, resamples = 2000 }: RatingsResultOptions,
): RatingsResult {
  const { votes, raters, dropped } = ballot
  if (votes.length === 0) {
    throw new PalignError(
      'invalid-input',
      `ratings hold no vote: ${raters.length} raters count, ${dropped.length} failed checks of attention`,
      {
        hint: 'see who failed, and --allowed-failures',
      },
    )
  }
  const options = { seed, resamples }
  const pairs = pairOutcomes(key, votes, options)
  const fewest = pairs.reduce((least, pair) => (pair.wins + pair.losses < least.wins + least.losses ? pair : least))
  const made = {
    kind: 'ratings',
    package: key.package,
    raters: raters.length,
    dropped,
    votes: votes.length,
    identicalTexts: key.identicalTexts,
    version,
    seed,
    pairs,
    ...armStrengths(key, votes, options),
    agreement: agreementOf(ballot, options),
    repeatConsistency: repeatConsistency(ballot),
    lengthOfWinners: lengthOfWinners(key, votes, options),
    power: { decisivePairs: fewest.wins + fewest.losses, detectable: fewest.detectable },
  }
  return parseRatingsResult(made)
}

/** @throws PalignError `malformed-file` naming the first field that is wrong */
export function parseRatingsResult(json: unknown): RatingsResult {
  return parseStored(result, json, 'result of ratings', 'palign rate import')
}
