/** @file The result table as plain text, and what else is known of its rows. */
import { DOMAINS } from '../items/ipip-neo.ts'
import type { Interval } from '../math/bootstrap.ts'
import { alignedColumns } from './columns.ts'
import type { DataEfficiency } from './data-efficiency.ts'
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
  const cells = rows.map((row) =>
    row.failed === undefined ? scoredCells(row) : COLUMNS.map((_, c) => [row.arm, row.regime, 'failed'][c] ?? ''),
  )
  const failed = rows.flatMap(({ arm, failed }) => (failed === undefined ? [] : [`${arm} failed and has no score: ${failed}`]))
  const collapsed = rows.some((row) => row.collapsed > 0 && row.failed === undefined)
    ? ['* answers nearly the same option to every item, for at least one person']
    : []
  return [...alignedColumns([COLUMNS, ...cells], 2), '', ...notes, ...collapsed, ...failed].join('\n')
}

function scoredCells({ arm, regime, corrected, gain, overUnchanged, published, collapsed }: TableRow): string[] {
  return [
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
  ]
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

const FORM_COLUMNS = [
  ['order', ({ forms }) => forms?.order],
  ['spread', ({ forms }) => forms?.spread],
  ['phrasings', ({ forms }) => forms?.phrasings],
  ['positional', ({ forms }) => forms?.positional],
  ['alpha', ({ scales }) => scales?.alpha],
  ['omega', ({ scales }) => scales?.omega],
  ['split half', ({ scales }) => scales?.splitHalf],
  ['correlations', ({ scales }) => scales?.distance],
] as const satisfies readonly (readonly [string, (row: TableRow) => number | null | undefined])[]

/** What depends on how it is asked, and whether personas hang together as people do. */
export function formatForms(rows: readonly TableRow[]): string {
  const cells = rows
    .filter(({ forms }) => forms !== undefined)
    .map((row) => [row.arm, ...FORM_COLUMNS.map(([, of]) => of(row)?.toFixed(3) ?? '-')])
  const meaning =
    'order: |expected answer, ascending - descending|; spread: deviation over forms; phrasings: alpha of the phrasings; positional: persons whose answers follow the place of the option; alpha, omega, split half: of the domains over persons; correlations: distance of the ten domain correlations from the persons’ own'
  return [...alignedColumns([['forms and scales', ...FORM_COLUMNS.map(([title]) => title)], ...cells]), '', meaning].join('\n')
}

/** Error by number of known items. */
export function formatDataEfficiency(curves: readonly DataEfficiency[]): string {
  const counts = curves[0]?.points.map(({ items }) => items) ?? []
  const cells = curves.map(({ arm, points }) => [
    arm,
    ...points.map(({ sum, tooFew }) => `${fixed(sum)}${tooFew === undefined ? '' : ` (${tooFew})`}`),
  ])
  const meaning = 'error with so many known items; in brackets the persons with too few answers for the method, left unsteered'
  return [...alignedColumns([['known items', ...counts.map(String)], ...cells]), '', meaning].join('\n')
}

const fixed = (value: number) => value.toFixed(3)
const signed = (value: number) => (Number.isNaN(value) ? '-' : `${value >= 0 ? '+' : ''}${value.toFixed(3)}`)
const interval = ([low, high]: Interval) => (Number.isNaN(low) ? '-' : `${low.toFixed(3)}..${high.toFixed(3)}`)
