/** @file A result of raters as text for a terminal. */
import type { Measured } from './measured.ts'
import type { RatingsResult } from './result.ts'

/** Kappas of fewer shared grades are in the JSON, but no range to be shown. */
const KAPPA_SHOWN_FROM = 10

export function formatRatings(result: RatingsResult): string {
  const { raters, dropped, votes, identicalTexts, pairs, strengths, tie, agreement, lengthOfWinners, power } = result
  const { krippendorffOrdinal, krippendorffNominal, weightedKappa, icc } = agreement
  const consistency = result.repeatConsistency
  const kappas = weightedKappa.flatMap(({ value, n }) => (n < KAPPA_SHOWN_FROM ? [] : (value ?? []))).sort((a, b) => a - b)
  return [
    `package ${result.package}: ${votes} votes of ${raters} raters; ${dropped.length} dropped for inattention${
      dropped.length === 0
        ? ''
        : ` (${dropped.map(({ rater, failed, checks }) => `${rater}: ${failed} of ${checks} checks failed`).join(', ')})`
    }; ${identicalTexts} pairs of answers were the same text and not shown`,
    '',
    ...pairs.flatMap((pair) => [
      `${pair.first} against ${pair.second}: ${pair.wins} won, ${pair.losses} lost, ${pair.ties} alike, ${pair.bothBad} both bad`,
      `  win rate, ties half    ${show(pair.winRate)}   over raters and prompts`,
      `  of decisive votes      ${show(pair.decisive)}   Wilson, votes as if independent`,
    ]),
    '',
    `strengths, log odds${tie === null ? ': no finite estimate' : ` (ties: ${number(tie)})`}`,
    ...strengths.map(({ arm, value, interval, normalInterval }) => {
      const independent = show({ value, interval: normalInterval })
      return interval[0] === null
        ? `  ${arm}  ${independent}   votes as if independent: too few for an interval over raters and prompts`
        : `  ${arm}  ${show({ value, interval })}   over raters and prompts`
    }),
    '',
    `Krippendorff's alpha of grades, ordinal   ${show(krippendorffOrdinal)}`,
    `Krippendorff's alpha of choices, nominal  ${show(krippendorffNominal)}`,
    '  .80 and more is reliable, .667 to .80 tentative',
    kappas.length === 0
      ? `weighted kappa of grades: no two raters share ${KAPPA_SHOWN_FROM} graded answers`
      : `weighted kappa of grades, ${kappas.length} pairs of raters: ${number(kappas[0]!)} to ${number(kappas.at(-1)!)}`,
    icc === null
      ? 'intraclass correlation: too few answers graded by several raters'
      : `${icc.form} of grades, k = ${icc.raters}, ${icc.targets} answers: ${show(icc.average)}; of one rater ${show(icc.single)}`,
    consistency === null ? 'repeats: none' : `same choice on repeats    ${show(consistency)}`,
    `the preferred answer has ${show(lengthOfWinners.difference, 1)} characters more; the longer one won ${show(lengthOfWinners.longerWon)}`,
    `power: ${power.decisivePairs} decisive votes in the pair of arms with the fewest; ${
      power.detectable === null ? 'too few to detect any win rate' : `win rates from ${number(power.detectable)} are detectable`
    } with 80 % power if votes are independent`,
  ].join('\n')
}

const number = (value: number | null, digits = 3) => (value === null ? '?' : value.toFixed(digits))
const show = ({ value, interval: [low, high] }: Measured, digits = 3) =>
  `${number(value, digits)}${low === null || high === null ? '' : ` (${number(low, digits)}..${number(high, digits)})`}`
