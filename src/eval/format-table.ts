/** @file The result table as plain text. */
import { DOMAINS } from '../items/ipip-neo.ts'
import type { Interval } from '../math/bootstrap.ts'
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
  const widths = COLUMNS.map((title, c) => Math.max(title.length, ...cells.map((row) => row[c]!.length)))
  const line = (row: readonly string[]) =>
    row
      .map((cell, c) => (c < 2 ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!)))
      .join('  ')
      .trimEnd()
  const collapsed = rows.some((row) => row.collapsed > 0)
    ? ['* answers nearly the same option to every item, for at least one person']
    : []
  return [line(COLUMNS), ...cells.map(line), '', ...notes, ...collapsed].join('\n')
}

const fixed = (value: number) => value.toFixed(3)
const signed = (value: number) => (Number.isNaN(value) ? '-' : `${value >= 0 ? '+' : ''}${value.toFixed(3)}`)
const interval = ([low, high]: Interval) => (Number.isNaN(low) ? '-' : `${low.toFixed(3)}..${high.toFixed(3)}`)
