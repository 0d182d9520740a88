/** @file Several values on each line, each series with its own mark: costs, errors by form. */
import { described, drawing, label, legend, line, mark, scaleOver, short, ticksOf, WIDTH, xAxis } from './drawing.ts'
import { shortened } from './forest-plot.ts'

export interface DotPlotOptions {
  readonly id: string
  readonly title: string
  /** Of the axis, with the unit. */
  readonly axis: string
  readonly series: readonly string[]
  /** One value for each series; null where there is none. A logarithmic axis has no place for 0: it is left out. */
  readonly rows: readonly { readonly label: string; readonly values: readonly (number | null)[] }[]
  readonly scale?: 'linear' | 'log' | undefined
  readonly rule?: number | undefined
}

const LINE = 24
const MARGIN = { top: 20, right: 190, bottom: 46, left: 230 } as const

export function dotPlot({ id, title, axis, series, rows, scale = 'linear', rule }: DotPlotOptions): string {
  const height = MARGIN.top + Math.max(rows.length * LINE, series.length * 18) + MARGIN.bottom
  const [left, right] = [MARGIN.left, WIDTH - MARGIN.right]
  const [top, bottom] = [MARGIN.top, height - MARGIN.bottom]
  const isShown = (value: number | null): value is number =>
    value !== null && Number.isFinite(value) && (scale === 'linear' || value > 0)
  const x = scaleOver(
    [...rows.flatMap(({ values }) => values.filter(isShown)), ...(rule === undefined ? [] : [rule])],
    [left, right],
    scale,
  )
  return drawing({ id, title, height }, [
    ...xAxis(x, { top, bottom }, ticksOf(x, 6)),
    ...(rule === undefined ? [] : [line('rule', x(rule), top - 6, x(rule), bottom)]),
    ...rows.flatMap(({ label: name, values }, i) => {
      const y = top + (i + 0.5) * LINE
      return [
        line('grid', left, y, right, y),
        label(left - 12, y + 4, 'end', shortened(name)),
        ...values.flatMap((value, s) =>
          isShown(value) ? [described(`${name}, ${series[s]}: ${short(value)}`, [mark(s, x(value), y)])] : [],
        ),
      ]
    }),
    ...legend(series, right + 24, top + 10),
    label((left + right) / 2, height - 8, 'middle', axis),
  ])
}
