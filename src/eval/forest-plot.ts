/** @file Values with intervals, one line each, as an SVG: no script, colours from the page it stands in, and every mark has its numbers in words. */
import { scaleLinear } from 'd3-scale'
import { escapeMarkup } from './markup.ts'

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

const WIDTH = 760
const LINE = 24
const MARGIN = { top: 34, right: 150, bottom: 46, left: 230 } as const
const RADIUS = 4.5

export function forestPlot({ id, title, axis, rows, rule, ruleLabel }: ForestPlotOptions): string {
  const height = MARGIN.top + rows.length * LINE + MARGIN.bottom
  const ends = rows.flatMap(({ value, interval }) => [value, ...(interval ?? [])]).concat(rule ?? [])
  const x = scaleLinear([Math.min(...ends), Math.max(...ends)], [MARGIN.left, WIDTH - MARGIN.right]).nice()
  const [top, bottom] = [MARGIN.top, height - MARGIN.bottom]
  const line = (kind: string, x1: number, y1: number, x2: number, y2: number) =>
    `<line class="${kind}" x1="${rounded(x1)}" y1="${rounded(y1)}" x2="${rounded(x2)}" y2="${rounded(y2)}"/>`
  const label = (at: number, y: number, anchor: 'start' | 'middle' | 'end', text: string) =>
    `<text x="${rounded(at)}" y="${rounded(y)}" text-anchor="${anchor}">${escapeMarkup(text)}</text>`
  const marks = rows.flatMap(({ label: name, value, interval, reference }, i) => {
    const y = top + (i + 0.5) * LINE
    const words = interval === undefined ? fixed(value) : `${fixed(value)} (${fixed(interval[0])}..${fixed(interval[1])})`
    return [
      `<g><title>${escapeMarkup(`${name}: ${words}`)}</title>`,
      label(MARGIN.left - 12, y + 4, 'end', name),
      ...(interval === undefined ? [] : [line('whisker', x(interval[0]), y, x(interval[1]), y)]),
      `<circle class="${reference ? 'reference' : 'mark'}" cx="${rounded(x(value))}" cy="${rounded(y)}" r="${RADIUS}"/>`,
      label(WIDTH - MARGIN.right + 12, y + 4, 'start', words),
      '</g>',
    ]
  })
  return [
    `<svg class="plot" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="${id}">`,
    `<title id="${id}">${escapeMarkup(title)}</title>`,
    ...x
      .ticks(6)
      .flatMap((tick) => [line('grid', x(tick), top, x(tick), bottom), label(x(tick), bottom + 18, 'middle', `${tick}`)]),
    ...(rule === undefined ? [] : [line('rule', x(rule), top - 6, x(rule), bottom)]),
    ...(rule === undefined || ruleLabel === undefined ? [] : [label(x(rule), top - 12, 'middle', ruleLabel)]),
    ...marks,
    label((MARGIN.left + WIDTH - MARGIN.right) / 2, height - 8, 'middle', axis),
    '</svg>',
  ].join('\n')
}

const rounded = (value: number) => Math.round(value * 100) / 100
const fixed = (value: number) => value.toFixed(3)
