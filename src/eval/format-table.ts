/** @file The result table as plain text, and what else is known of its rows. */
import { DOMAINS } from '../items/ipip-neo.ts'
import type { Interval } from '../math/bootstrap.ts'
import { alignedColumns } from './columns.ts'
import type { TableRow } from './table.ts'

const COLUMNS = [
  'arm',
  'uses',
  'error',
  '95 % interval',
  ...DOMAINS,
  'gain',
  '95 % interval',
  'over unchanged',
  '95 % interval',
  'published',
] as const

/** @param notes what a reader must know beside the numbers, one line each */
export function formatTable(rows: readonly TableRow[], notes: readonly string[] = []): string {
  const cells = rows.map(({ arm, regime, corrected, gain, overUnchanged, published, collapsed }) => [
    collapsed === 0 ? arm : `${arm} *`,
    regime,
    fixed(corrected.sum),
    interval(corrected.interval),
    ...DOMAINS.map((domain) => fixed(corrected[domain])),
    signed(gain.value),
    interval(gain.interval),
    overUnchanged === undefined ? '' : signed(overUnchanged.value),
    overUnchanged === undefined ? '' : interval(overUnchanged.interval),
    fixed(published.sum),
  ])
  const collapsed = rows.some((row) => row.collapsed > 0)
    ? ['* answers nearly the same option to every item, for at least one person']
    : []
  return [...alignedColumns([COLUMNS, ...cells], 2), '', ...notes, ...collapsed].join('\n')
}

const LIKENESS = [
  ['skill', ({ skill }) => skill],
  ['kappa', ({ likeness }) => likeness?.weightedKappa],
  ['profile r', ({ likeness }) => likeness?.profile],
  ['distinctive r', ({ likeness }) => likeness?.distinctive],
  ['item r', ({ likeness }) => likeness?.item],
  ['domain r', ({ likeness }) => likeness?.domain],
  ['spread', ({ likeness }) => likeness?.spread],
  ['identifies', ({ likeness }) => likeness?.personOfPrediction],
  ['identified', ({ likeness }) => likeness?.predictionOfPerson],
  ['of five', ({ likeness }) => likeness?.predictionAmongFive],
  ['acquiescence', ({ style }) => style.acquiescence],
  ['consistency', ({ style }) => style.negationConsistency],
  ['extremity', ({ style }) => style.extremity],
  ['KL p95', ({ strength }) => strength?.klP95],
] as const satisfies readonly (readonly [string, (row: TableRow) => number | undefined])[]

/** How like the persons the answers are, beyond the error. */
export function formatLikeness(rows: readonly TableRow[]): string {
  const cells = rows.map((row) => [
    row.arm,
    ...LIKENESS.map(([, of]) => {
      const value = of(row)
      return value === undefined || Number.isNaN(value) ? '-' : value.toFixed(3)
    }),
  ])
  const meaning =
    'skill: 0 as item medians, 1 as ridge; people: acquiescence 3.08, negation consistency .58, extremity .09; KL p95: how far the next token moves on neutral prompts, nats; a large profile r without a distinctive one is what anybody would answer'
  return [...alignedColumns([['likeness', ...LIKENESS.map(([title]) => title)], ...cells]), '', meaning].join('\n')
}

const fixed = (value: number) => value.toFixed(3)
const signed = (value: number) => (Number.isNaN(value) ? '-' : `${value >= 0 ? '+' : ''}${value.toFixed(3)}`)
const interval = ([low, high]: Interval) => (Number.isNaN(low) ? '-' : `${low.toFixed(3)}..${high.toFixed(3)}`)
