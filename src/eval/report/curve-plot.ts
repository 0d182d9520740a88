/** @file Lines over a quantity: error by known items, scores by dose. */
import { line as pathOf } from 'd3-shape'
import {
  described,
  drawing,
  label,
  legend,
  line,
  mark,
  scaleOver,
  seriesPath,
  short,
  ticksOf,
  WIDTH,
  xAxis,
  yAxis,
} from './drawing.ts'

export interface Curve {
  readonly name: string
  readonly points: readonly {
    readonly x: number
    readonly y: number
    readonly interval?: readonly [number, number] | undefined
  }[]
  /** A place on the curve that is pointed out. */
  readonly flag?: { readonly x: number; readonly words: string } | undefined
}

export interface CurvePlotOptions {
  readonly id: string
  readonly title: string
  readonly xTitle: string
  readonly yTitle: string
  readonly curves: readonly Curve[]
  readonly xScale?: 'linear' | 'log' | undefined
  /** Default: what the scale chooses. */
  readonly xTicks?: readonly number[] | undefined
  /** Small ones stand side by side. */
  readonly size?: 'full' | 'small' | undefined
  /** A horizontal rule. */
  readonly rule?: { readonly y: number; readonly name: string } | undefined
}

const SIZES = {
  full: { width: WIDTH, height: 380, margin: { top: 34, right: 230, bottom: 46, left: 64 } },
  small: { width: 400, height: 260, margin: { top: 34, right: 90, bottom: 46, left: 64 } },
} as const

export function curvePlot({
  id,
  title,
  xTitle,
  yTitle,
  curves,
  xScale = 'linear',
  xTicks,
  size = 'full',
  rule,
}: CurvePlotOptions): string {
  const { width, margin, height: least } = SIZES[size]
  const height = Math.max(least, margin.top + curves.length * 18 + margin.bottom)
  const box = { left: margin.left, right: width - margin.right, top: margin.top, bottom: height - margin.bottom }
  const points = curves.flatMap((curve) => curve.points)
  const x = scaleOver(
    points.map((point) => point.x),
    [box.left + 10, box.right - 10],
    xScale,
  )
  const ends = points.flatMap(({ y, interval }) => [y, ...(interval ?? [])])
  const y = scaleOver([...ends, ...(rule === undefined ? [] : [rule.y])], [box.bottom, box.top])
  const path = pathOf<Curve['points'][number]>()
    .x((point) => Math.round(x(point.x) * 100) / 100)
    .y((point) => Math.round(y(point.y) * 100) / 100)
  return drawing({ id, title, width, height }, [
    ...yAxis(y, box),
    ...xAxis(x, box, xTicks ?? ticksOf(x, 6)),
    ...(rule === undefined
      ? []
      : [line('rule', box.left, y(rule.y), box.right, y(rule.y)), label(box.right - 4, y(rule.y) - 5, 'end', rule.name)]),
    ...curves.map(({ points }, s) => seriesPath(s, path([...points]) ?? '')),
    ...curves.flatMap(({ name, points, flag }, s) => [
      ...points.map((point) => {
        const words = `${name} at ${short(point.x)}: ${point.y.toFixed(3)}${point.interval === undefined ? '' : ` (${point.interval.map((end) => end.toFixed(3)).join('..')})`}`
        const whisker =
          point.interval === undefined
            ? []
            : [line(`whisker s${s % 8}`, x(point.x), y(point.interval[0]), x(point.x), y(point.interval[1]))]
        return described(words, [...whisker, mark(s, x(point.x), y(point.y))])
      }),
      ...flagged(flag, points, (at) => [x(at.x), y(at.y)]),
    ]),
    ...legend(
      curves.map(({ name }) => name),
      box.right + 24,
      box.top + 6,
    ),
    label((box.left + box.right) / 2, height - 8, 'middle', xTitle),
    label(8, 16, 'start', yTitle),
  ])
}

function flagged(
  flag: Curve['flag'],
  points: Curve['points'],
  at: (point: Curve['points'][number]) => [number, number],
): string[] {
  const point = flag && points.find((candidate) => candidate.x === flag.x)
  if (flag === undefined || point === undefined) return []
  const [cx, cy] = at(point)
  return [described(flag.words, [`<circle class="ring" cx="${Math.round(cx)}" cy="${Math.round(cy)}" r="9"/>`])]
}
