/** @file Values with intervals, one line each; every mark has its numbers in words. */
import { described, drawing, label, line, mark, rounded, scaleOver, WIDTH, xAxis } from './drawing.ts'

export interface ForestRow {
  readonly label: string
  readonly value: number
  /** Absent where there is none. */
  readonly interval?: readonly [number, number] | undefined
  /** Drawn hollow: what is there for comparison. */
  readonly reference?: boolean | undefined
}

export interface ForestPlotOptions {
  readonly id: string
  readonly title: string
  /** Of the axis, with the unit. */
  readonly axis: string
  readonly rows: readonly ForestRow[]
  /** Where a rule is drawn, such as no effect. */
  readonly rule?: number | undefined
  readonly ruleLabel?: string | undefined
}

const LINE = 24
const MARGIN = { top: 34, right: 160, bottom: 46, left: 230 } as const
const [FILLED, HOLLOW] = [0, 5] as const

export function forestPlot({ id, title, axis, rows, rule, ruleLabel }: ForestPlotOptions): string {
  const height = MARGIN.top + rows.length * LINE + MARGIN.bottom
  const ends = rows.flatMap(({ value, interval }) => [value, ...(interval ?? [])]).concat(rule ?? [])
  const [left, right] = [MARGIN.left, WIDTH - MARGIN.right]
  const x = scaleOver(ends, [left, right])
  const [top, bottom] = [MARGIN.top, height - MARGIN.bottom]
  const marks = rows.map(({ label: name, value, interval, reference }, i) => {
    const y = top + (i + 0.5) * LINE
    const words = interval === undefined ? fixed(value) : `${fixed(value)} (${fixed(interval[0])}..${fixed(interval[1])})`
    return described(`${name}: ${words}`, [
      label(left - 12, y + 4, 'end', shortened(name)),
      ...(interval === undefined ? [] : [line('whisker', x(interval[0]), y, x(interval[1]), y)]),
      mark(reference ? HOLLOW : FILLED, x(value), y),
      label(right + 12, y + 4, 'start', words),
    ])
  })
  return drawing({ id, title, height }, [
    ...xAxis(x, { top, bottom }),
    ...(rule === undefined ? [] : [line('rule', x(rule), top - 6, x(rule), bottom)]),
    ...(rule === undefined || ruleLabel === undefined ? [] : [label(inside(x(rule), ruleLabel), top - 12, 'middle', ruleLabel)]),
    ...marks,
    label((left + right) / 2, height - 8, 'middle', axis),
  ])
}

const MOST_CHARACTERS = 32

/** The whole name stands in the words of the mark. */
export function shortened(name: string, most = MOST_CHARACTERS): string {
  return name.length <= most ? name : `${name.slice(0, most - 1)}…`
}

/** A centred text of about 6.5 units a character, moved to where all of it is in the drawing. */
function inside(x: number, text: string): number {
  const half = text.length * 3.25
  return rounded(Math.min(WIDTH - half, Math.max(half, x)))
}

const fixed = (value: number) => value.toFixed(3)
