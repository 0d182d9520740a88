/** @file A table of numbers as shades with the numbers in them: leakage between traits, correlations, probes of heads. */
import { described, drawing, label, rounded } from './drawing.ts'

export interface HeatMapOptions {
  readonly id: string
  readonly title: string
  /** Shown above, where several stand side by side. */
  readonly heading?: string | undefined
  readonly rowTitle: string
  readonly columnTitle: string
  readonly rows: readonly string[]
  readonly columns: readonly string[]
  /** `[rows][columns]`; null where there is no number. */
  readonly values: readonly (readonly (number | null)[])[]
  /** Diverging: 0 has no shade, both signs have their own. Sequential: from the smallest to the largest. */
  readonly kind: 'diverging' | 'sequential'
  /** `[rows][columns]` 0..1: cells with a ring, the thicker the larger. */
  readonly rings?: readonly (readonly number[])[] | undefined
  /** What a ring means. */
  readonly ringTitle?: string | undefined
}

/** Shades stay light enough for the numbers on them. */
const DARKEST = 0.5
const [CELL_HEIGHT, WIDEST_CELL, NARROWEST_CELL] = [28, 50, 14] as const
const MOST_WIDTH = 760
const MARGIN = { top: 64, right: 20, bottom: 34 } as const
const CHARACTER = 6.8

export function heatMap({
  id,
  title,
  heading,
  rowTitle,
  columnTitle,
  rows,
  columns,
  values,
  kind,
  rings,
  ringTitle,
}: HeatMapOptions): string {
  const left = Math.max(rowTitle.length, ...rows.map((row) => row.length)) * CHARACTER + 24
  // Wide enough for the names of the columns where there is room.
  const named = Math.max(WIDEST_CELL, Math.max(...columns.map((column) => column.length)) * CHARACTER + 8)
  const cell = Math.max(NARROWEST_CELL, Math.min(named, (MOST_WIDTH - left - MARGIN.right) / columns.length))
  const width = Math.max(
    left + cell * columns.length + MARGIN.right,
    left + columnTitle.length * CHARACTER,
    (heading?.length ?? 0) * (CHARACTER + 1),
    (ringTitle?.length ?? 0) * CHARACTER + 24,
  )
  const height = MARGIN.top + rows.length * CELL_HEIGHT + (ringTitle === undefined ? 8 : MARGIN.bottom)
  const shade = shading(values, kind)
  const hasRoom = cell >= 34
  // Every so many columns, so that their names do not meet.
  const every = Math.ceil((Math.max(...columns.map((column) => column.length)) * CHARACTER + 6) / cell)
  const cells = rows.flatMap((row, r) =>
    columns.map((column, c) => {
      const value = values[r]?.[c] ?? null
      const [x, y] = [left + c * cell, MARGIN.top + r * CELL_HEIGHT]
      const ring = rings?.[r]?.[c] ?? 0
      const words = value === null ? 'none' : value.toFixed(2)
      return described(`${row}, ${column}: ${words}${ring > 0 && ringTitle ? `; ${ringTitle}: ${ring.toFixed(2)}` : ''}`, [
        `<rect class="${value !== null && value < 0 && kind === 'diverging' ? 'cool' : 'warm'}" fill-opacity="${rounded(shade(value))}" x="${rounded(x + 1)}" y="${y + 1}" width="${rounded(cell - 2)}" height="${CELL_HEIGHT - 2}"/>`,
        ...(ring > 0
          ? [
              `<rect class="ring" stroke-width="${rounded(0.5 + 2.5 * ring)}" x="${rounded(x + 2.5)}" y="${y + 2.5}" width="${rounded(cell - 5)}" height="${CELL_HEIGHT - 5}"/>`,
            ]
          : []),
        ...(hasRoom ? [label(x + cell / 2, y + CELL_HEIGHT / 2 + 4, 'middle', value === null ? '–' : value.toFixed(2))] : []),
      ])
    }),
  )
  return drawing({ id, title, width: Math.ceil(width), height }, [
    ...(heading === undefined ? [] : [label(0, 14, 'start', heading, 'strong')]),
    label(left, 34, 'start', columnTitle),
    label(0, MARGIN.top - 8, 'start', rowTitle),
    ...columns.flatMap((column, c) =>
      c % every === 0 ? [label(left + (c + 0.5) * cell, MARGIN.top - 8, 'middle', column)] : [],
    ),
    ...rows.map((row, r) => label(left - 8, MARGIN.top + (r + 0.5) * CELL_HEIGHT + 4, 'end', row)),
    ...cells,
    ...(ringTitle === undefined ? [] : [label(0, height - 10, 'start', `Ring: ${ringTitle}.`)]),
  ])
}

/** Opacity of a value. */
function shading(values: HeatMapOptions['values'], kind: HeatMapOptions['kind']): (value: number | null) => number {
  const finite = values.flat().filter((value): value is number => value !== null && Number.isFinite(value))
  const [low, high] =
    kind === 'diverging' ? [0, Math.max(0, ...finite.map(Math.abs))] : [Math.min(...finite), Math.max(...finite)]
  return (value) => {
    if (value === null || high === low) return 0
    return (DARKEST * ((kind === 'diverging' ? Math.abs(value) : value) - low)) / (high - low)
  }
}
