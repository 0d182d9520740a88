/** @file The section of `palign rate import`: what people preferred, and how far they agree. */
import type { RatingsResult } from '../rating/result.ts'
import { forestPlot } from './forest-plot.ts'
import { fixed, measured, percent, type Section, wholeInterval } from './section.ts'

export function ratingsSection(result: RatingsResult, id: string): Section {
  const { raters, dropped, votes, identicalTexts, seed, version, pairs, strengths, agreement, power, repeatConsistency } = result
  const drawn = strengths.flatMap(({ arm, value, interval }) =>
    value === null ? [] : [{ label: arm, value, interval: wholeInterval(interval) }],
  )
  const { krippendorffOrdinal, krippendorffNominal, icc } = agreement
  return {
    title: 'Human rating',
    facts: [
      `${votes} votes of ${raters} raters, seed ${seed}; palign ${version}. ${dropped.length} raters failed checks of attention and are left out; ${identicalTexts} comparisons had the same text on both sides.`,
      `The pair of arms with the fewest decisive votes has ${power.decisivePairs}: with four of five chances a win rate of ${percent(power.detectable)} is found.`,
    ],
    figures:
      drawn.length === 0
        ? []
        : [
            {
              caption: 'Strengths of arms by all comparisons together, ties included; 95 % intervals over raters and prompts.',
              svg: forestPlot({
                id: `${id}-strengths`,
                title: 'Bradley-Terry strength of every arm with its interval',
                axis: 'strength, natural logarithm',
                rows: drawn,
                rule: 0,
                ruleLabel: 'mean of all arms',
              }),
            },
          ],
    tables: [
      {
        title: 'Comparisons',
        note: 'Win rate of the first: ties count half; decisive: without ties. Detectable: smallest win rate that so many decisive votes find with a power of 80 %.',
        columns: ['first', 'second', 'wins', 'losses', 'ties', 'both bad', 'win rate', 'decisive', 'detectable'],
        rows: pairs.map(({ first, second, wins, losses, ties, bothBad, winRate, decisive, detectable }) => [
          first,
          second,
          `${wins}`,
          `${losses}`,
          `${ties}`,
          `${bothBad}`,
          measured(winRate),
          measured(decisive),
          fixed(detectable),
        ]),
      },
      {
        title: 'Agreement',
        note: 'An alpha of .80 is reliable, .667 to .80 tentative.',
        columns: ['what', 'value'],
        rows: [
          ['Krippendorff’s alpha of grades, ordinal', measured(krippendorffOrdinal)],
          ['Krippendorff’s alpha of choices, nominal', measured(krippendorffNominal)],
          ...(icc === null ? [] : [[`${icc.form} of grades`, measured(icc.average)]]),
          ...(repeatConsistency === null ? [] : [['same choice when asked again', measured(repeatConsistency)]]),
        ],
      },
    ],
  }
}
