/** @file The capability result as plain text. */
import { alignedColumns } from '../columns.ts'
import type { CapabilityResult, CapabilityRow } from './result.ts'

const COLUMNS = [
  'task',
  'measure',
  'arm',
  'value',
  '95 % interval',
  'difference',
  '95 % interval',
  'worse',
  'better',
  'p',
  'no loss',
]

export function formatCapability({ rows, bench, margin, reporting, prompting }: CapabilityResult): string {
  const cells = rows.map((row) => [
    row.task,
    row.primary ? `${row.metric} *` : row.metric,
    row.arm,
    row.chance ? `${shown(row, row.value)} (chance)` : shown(row, row.value),
    range(row, row.interval),
    ...comparisonCells(row),
  ])
  const notes = [
    ...bench.map(({ task, documents, of, shots, form }) => `${task}: ${documents} of ${of} documents, ${shots} shots; ${form}.`),
    `Percent; brier_score as it is, lower is better. Differences from unsteered on the same documents. p: exact McNemar, * adjusted by Holm over arms and tasks.`,
    `No loss: the lower end of the 90 % interval of the difference is above -${margin} points. (chance): the unsteered model is not shown to do better than guessing, so there is nothing to lose.`,
    prompting,
    ...(reporting ? [] : ['Not for reporting: only part of the documents was asked.']),
    ...troubles(rows),
  ]
  return [...alignedColumns([COLUMNS, ...cells], 3), '', ...notes].join('\n')
}

function comparisonCells(row: CapabilityRow): string[] {
  const { difference, mcnemar, nonInferior } = row
  if (difference === undefined) return ['', '', '', '', '', '']
  return [
    shown(row, difference.value),
    range(row, difference.interval),
    mcnemar === undefined ? '' : `${mcnemar.worse}`,
    mcnemar === undefined ? '' : `${mcnemar.better}`,
    mcnemar === undefined ? '' : probability(mcnemar.pHolm ?? mcnemar.p),
    nonInferior === undefined ? '' : nonInferior === true ? 'yes' : nonInferior === false ? 'not shown' : nonInferior,
  ]
}

function troubles(rows: readonly CapabilityRow[]): string[] {
  const cut = rows
    .filter(({ primary, truncated }) => primary && truncated)
    .map(({ arm, task, truncated }) => `${task} ${arm} ${truncated}`)
  const texts = rows
    .filter(({ invalid }) => invalid !== undefined)
    .map(
      ({ arm, task, metric, invalid, unfinished }) =>
        `${task} ${metric} ${arm}: no number found in ${percent(invalid!)} %, ${percent(unfinished!)} % unfinished`,
    )
  return [...(cut.length > 0 ? [`Contexts that lost their beginning: ${cut.join(', ')}.`] : []), ...texts]
}

const percent = (value: number | null) => (value === null || Number.isNaN(value) ? '-' : (100 * value).toFixed(1))
/** A sum of squares is no share. */
const shown = ({ metric }: CapabilityRow, value: number | null) =>
  metric === 'brier_score' && value !== null ? value.toFixed(3) : percent(value)
const range = (row: CapabilityRow, [low, high]: CapabilityRow['interval']) => `${shown(row, low)} to ${shown(row, high)}`
const probability = (p: number | null) => (p === null ? '-' : p < 0.001 ? '< .001' : p.toFixed(3))
