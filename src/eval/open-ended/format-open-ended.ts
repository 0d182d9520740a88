/** @file The result of open-ended answers as plain text. */
import { alignedColumns } from '../columns.ts'
import type { OpenEndedResult, OpenEndedRow } from './result.ts'

type Value = number | null | undefined

const COLUMNS = [
  ['classifier', ({ classifier }) => signed(classifier?.value)],
  ['95 % interval', ({ classifier }) => interval(classifier?.interval)],
  ['over unsteered', ({ classifier }) => signed(classifier?.overUnsteered?.value)],
  ['95 % interval', ({ classifier }) => interval(classifier?.overUnsteered?.interval)],
  ['grade', ({ judged }) => fixed(judged?.value)],
  ['95 % interval', ({ judged }) => interval(judged?.interval)],
  ['coherence', ({ judged }) => fixed(judged?.coherence, 0)],
  ['win rate', ({ winRate }) => fixed(winRate?.value)],
  ['95 % interval', ({ winRate }) => interval(winRate?.interval)],
  ['at equal length', ({ winRate }) => fixed(winRate?.adjusted)],
  ['ties', ({ winRate }) => (winRate === undefined ? '' : `${winRate.ties} of ${winRate.comparisons}`)],
  ['both orders', ({ winRate }) => fixed(winRate?.positionConsistency)],
] as const satisfies readonly (readonly [string, (row: OpenEndedRow) => string])[]

export function formatOpenEnded(result: OpenEndedResult): string {
  const { rows, situations, samples, temperature, calibrated } = result
  // Columns of what was skipped would be empty.
  const shown = COLUMNS.map(([title, of]) => ({ title, cells: rows.map(of) })).filter(({ cells }) =>
    cells.some((cell) => cell !== ''),
  )
  const header = ['arm', 'trait', ...shown.map(({ title }) => title)]
  const table = alignedColumns(
    [header, ...rows.map(({ arm, trait }, i) => [arm, trait, ...shown.map(({ cells }) => cells[i]!)])],
    2,
  )
  const notes = [
    `${situations} situations, ${samples} ${samples === 1 ? 'answer' : 'answers'} each, temperature ${temperature}; intervals over situations.`,
    ...classifierNotes(result),
    ...(calibrated === null
      ? []
      : [
          'grade: 1 to 6; win rate: how often the arm shows more of the trait than the unsteered model, ties counting half; at equal length: with the length term of a logistic model at 0.',
        ]),
    ...(calibrated === false ? ['Grades and win rates are UNCALIBRATED: see the audit.'] : []),
    ...result.skipped.map((what) => `Skipped: ${what}.`),
  ]
  return [...table, '', ...notes, ...judgeLines(result)].join('\n')
}

function classifierNotes({ classifier }: OpenEndedResult): string[] {
  if (classifier === null) return []
  const each = classifier.map(
    ({ trait, heldOutAccuracy, auc, heldOut }) => `${trait} ${fixed(heldOutAccuracy)} (AUC ${fixed(auc)}, ${heldOut} statements)`,
  )
  return [
    'classifier: log-odds of much of the trait; fitted on short statements, so that it may read longer answers less well.',
    `Held-out accuracy on statements: ${each.join(', ')}.`,
  ]
}

function judgeLines({ judges, agreement }: OpenEndedResult): string[] {
  if (judges.length === 0) return []
  const lines = judges.flatMap(({ model, host, prompts, unreadable, audit }) => [
    `${model} at ${host}: ${prompts} questions, ${unreadable} replies without a grade or verdict; audit ${audit.calibrated ? 'passed' : 'FAILED'}:`,
    `  ${audit.checks.map(({ name, value, limit, passed }) => `${name} ${fixed(value)} (limit ${limit})${passed ? '' : ' FAILED'}`).join(', ')}`,
  ])
  const alpha =
    agreement === null ? [] : [`Agreement of judges: alpha ${fixed(agreement.alpha)} over ${agreement.answers} answers.`]
  return ['', ...lines, ...alpha]
}

/** Nothing where there is no such number, a dash where it could not be measured. */
function fixed(value: Value, digits = 3): string {
  if (value === undefined) return ''
  return value === null || Number.isNaN(value) ? '-' : value.toFixed(digits)
}

function signed(value: Value): string {
  const text = fixed(value)
  return typeof value === 'number' && value >= 0 ? `+${text}` : text
}

function interval(ends: readonly [Value, Value] | undefined): string {
  if (ends === undefined) return ''
  const [low, high] = ends
  return low === null || Number.isNaN(low) ? '-' : `${fixed(low)}..${fixed(high)}`
}
