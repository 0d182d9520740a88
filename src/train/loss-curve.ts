/** @file The loss of a training run over its steps as an SVG: every step thin, a running mean thick, stages apart. */
import { scaleLinear } from 'd3-scale'
import { line } from 'd3-shape'
import type { StepRecord } from './sft-run.ts'

const WIDTH = 720
const HEIGHT = 360
const MARGIN = { top: 30, right: 24, bottom: 44, left: 56 } as const
/** More points than pixels show nothing more. */
const MOST_POINTS = 600
/** Steps of the running mean, as a share of all. */
const WINDOW = 0.02

interface Point {
  readonly step: number
  readonly loss: number
}

type Losses = readonly Pick<StepRecord, 'step' | 'stage' | 'loss'>[]

/** @param records in the order of their steps, at least one */
export function lossCurve(records: Losses): string {
  const points = thinned(records)
  const smooth = thinned(runningMean(records))
  const last = records.at(-1)?.step ?? 1
  const losses = points.map(({ loss }) => loss)
  const x = scaleLinear([0, last], [MARGIN.left, WIDTH - MARGIN.right])
  const y = scaleLinear([Math.min(0, ...losses), Math.max(...losses)], [HEIGHT - MARGIN.bottom, MARGIN.top]).nice()
  const path = line<Point>()
    .x(({ step }) => rounded(x(step)))
    .y(({ loss }) => rounded(y(loss)))
  const [bottom, right] = [HEIGHT - MARGIN.bottom, WIDTH - MARGIN.right]
  const borders = records.filter(({ stage }, i) => i > 0 && stage !== records[i - 1]?.stage).map(({ step }) => x(step - 0.5))
  const label = (x: number, y: number, text: string, anchor: 'start' | 'middle' | 'end') =>
    `<text x="${rounded(x)}" y="${rounded(y)}" text-anchor="${anchor}">${text}</text>`
  const rule = (x1: number, y1: number, x2: number, y2: number, kind: string) =>
    `<line class="${kind}" x1="${rounded(x1)}" y1="${rounded(y1)}" x2="${rounded(x2)}" y2="${rounded(y2)}"/>`
  const number = new Intl.NumberFormat('en', { maximumFractionDigits: 3 })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="title">`,
    `<title id="title">Training loss over ${number.format(last)} steps, from ${number.format(smooth[0]?.loss ?? 0)} to ${number.format(smooth.at(-1)?.loss ?? 0)}</title>`,
    '<style>text{font:12px sans-serif;fill:#444}.grid{stroke:#ddd}.axis{stroke:#444}.border{stroke:#999;stroke-dasharray:4 3}path{fill:none}.steps{stroke:#9cc3e6}.mean{stroke:#14548c;stroke-width:2}</style>',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...y
      .ticks(6)
      .flatMap((tick) => [
        rule(MARGIN.left, y(tick), right, y(tick), 'grid'),
        label(MARGIN.left - 8, y(tick) + 4, number.format(tick), 'end'),
      ]),
    ...x.ticks(8).map((tick) => label(x(tick), bottom + 18, number.format(tick), 'middle')),
    ...borders.map((at) => rule(at, MARGIN.top, at, bottom, 'border')),
    rule(MARGIN.left, bottom, right, bottom, 'axis'),
    `<path class="steps" d="${path(points) ?? ''}"/>`,
    `<path class="mean" d="${path(smooth) ?? ''}"/>`,
    label((MARGIN.left + right) / 2, HEIGHT - 8, 'step', 'middle'),
    label(MARGIN.left - 40, MARGIN.top - 14, 'loss (nats a token)', 'start'),
    '</svg>',
    '',
  ].join('\n')
}

/** Mean over the steps around each; near the ends over those that there are. */
function runningMean(records: Losses): Point[] {
  const half = Math.floor((records.length * WINDOW) / 2)
  const sums = [0]
  for (const { loss } of records) sums.push((sums.at(-1) as number) + loss)
  return records.map(({ step }, i) => {
    const [begin, end] = [Math.max(0, i - half), Math.min(records.length, i + half + 1)]
    return { step, loss: ((sums[end] as number) - (sums[begin] as number)) / (end - begin) }
  })
}

function thinned(points: readonly Point[]): Point[] {
  const width = Math.ceil(points.length / MOST_POINTS)
  return points.filter((_, i) => i % width === 0 || i === points.length - 1).map(({ step, loss }) => ({ step, loss }))
}

const rounded = (value: number) => Math.round(value * 100) / 100
