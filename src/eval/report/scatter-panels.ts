/** @file One small square for each arm, one point for each person, and the diagonal where both errors are equal. */
import { described, drawing, label, line, mark, rounded, scaleOver, WIDTH, xAxis, yAxis } from './drawing.ts'
import { shortened } from './forest-plot.ts'

export interface ScatterPanel {
  readonly name: string
  readonly points: readonly { readonly x: number; readonly y: number; readonly words: string }[]
}

export interface ScatterPanelsOptions {
  readonly id: string
  readonly title: string
  readonly xTitle: string
  readonly yTitle: string
  readonly panels: readonly ScatterPanel[]
}

const [COLUMNS, PANEL, GAP] = [3, 176, 70] as const
/** Of a name above a panel, in bold. */
const MOST_CHARACTERS = 26
const MARGIN = { top: 56, left: 56, bottom: 44 } as const

/** All panels have the same axes. */
export function scatterPanels({ id, title, xTitle, yTitle, panels }: ScatterPanelsOptions): string {
  const all = panels.flatMap(({ points }) => points.flatMap(({ x, y }) => [x, y]))
  const rows = Math.ceil(panels.length / COLUMNS)
  const height = MARGIN.top + rows * (PANEL + GAP) - GAP + MARGIN.bottom
  const drawn = panels.flatMap(({ name, points }, i) => {
    const left = MARGIN.left + (i % COLUMNS) * (PANEL + GAP)
    const top = MARGIN.top + Math.floor(i / COLUMNS) * (PANEL + GAP)
    const box = { left, right: left + PANEL, top, bottom: top + PANEL }
    const [x, y] = [scaleOver(all, [box.left, box.right]), scaleOver(all, [box.bottom, box.top])]
    const [low, high] = x.domain() as [number, number]
    return [
      label(left, top - 10, 'start', shortened(name, MOST_CHARACTERS), 'strong'),
      ...xAxis(x, box, x.ticks(4)),
      ...yAxis(y, box, y.ticks(4)),
      line('rule', x(low), y(low), x(high), y(high)),
      ...points.map((point) => described(`${name}, ${point.words}`, [mark(0, x(point.x), y(point.y), 3)])),
    ]
  })
  return drawing({ id, title, width: WIDTH, height: rounded(height) }, [
    label(8, 16, 'start', `Upwards: ${yTitle}.`),
    ...drawn,
    label(WIDTH / 2, height - 8, 'middle', xTitle),
  ])
}
