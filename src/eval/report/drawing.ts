/**
 * @file What all figures of a report share: an SVG with a name for those who do not see it, axes, marks that differ in shape as well as in colour.
 * Colours are variables of the page, so that figures follow light, dark and print; no script.
 */
import { scaleLinear, scaleLog } from 'd3-scale'
import { escapeMarkup } from '../markup.ts'

export const WIDTH = 760

export interface Drawing {
  /** Unique in the page. */
  readonly id: string
  /** The name of the figure, read out and shown above it. */
  readonly title: string
  readonly width?: number | undefined
  readonly height: number
}

export function drawing({ id, title, width = WIDTH, height }: Drawing, marks: readonly string[]): string {
  return [
    `<svg class="plot" xmlns="http://www.w3.org/2000/svg" width="${width}" viewBox="0 0 ${width} ${rounded(height)}" role="img" aria-labelledby="${id}">`,
    `<title id="${id}">${escapeMarkup(title)}</title>`,
    ...marks,
    '</svg>',
  ].join('\n')
}

export function line(kind: string, x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="${kind}" x1="${rounded(x1)}" y1="${rounded(y1)}" x2="${rounded(x2)}" y2="${rounded(y2)}"/>`
}

export function label(x: number, y: number, anchor: 'start' | 'middle' | 'end', text: string, kind?: string): string {
  const named = kind === undefined ? '' : ` class="${kind}"`
  return `<text${named} x="${rounded(x)}" y="${rounded(y)}" text-anchor="${anchor}">${escapeMarkup(text)}</text>`
}

/** Marks with what they show in words. */
export function described(words: string, marks: readonly string[]): string {
  return `<g><title>${escapeMarkup(words)}</title>${marks.join('')}</g>`
}

const SHAPES = 6
const COLOURS = 8

/** A mark of a series: the same place in the list has the same colour and shape in every figure. */
export function mark(series: number, x: number, y: number, size = 4.5): string {
  const kind = `series s${series % COLOURS}`
  const [cx, cy] = [rounded(x), rounded(y)]
  const path = (d: string) => `<path class="${kind}" d="${d}"/>`
  const r = rounded(size)
  switch (series % SHAPES) {
    case 0:
      return `<circle class="${kind}" cx="${cx}" cy="${cy}" r="${r}"/>`
    case 1:
      return `<rect class="${kind}" x="${rounded(cx - r * 0.9)}" y="${rounded(cy - r * 0.9)}" width="${rounded(r * 1.8)}" height="${rounded(r * 1.8)}"/>`
    case 2:
      return path(
        `M${cx} ${rounded(cy - r * 1.2)}L${rounded(cx + r * 1.1)} ${rounded(cy + r * 0.8)}L${rounded(cx - r * 1.1)} ${rounded(cy + r * 0.8)}Z`,
      )
    case 3:
      return path(
        `M${cx} ${rounded(cy - r * 1.3)}L${rounded(cx + r * 1.3)} ${cy}L${cx} ${rounded(cy + r * 1.3)}L${rounded(cx - r * 1.3)} ${cy}Z`,
      )
    case 4:
      return path(
        `M${cx} ${rounded(cy + r * 1.2)}L${rounded(cx + r * 1.1)} ${rounded(cy - r * 0.8)}L${rounded(cx - r * 1.1)} ${rounded(cy - r * 0.8)}Z`,
      )
    default:
      return `<circle class="${kind} hollow" cx="${cx}" cy="${cy}" r="${r}"/>`
  }
}

/** A line of a series: dashes tell apart what colours repeat. */
export function seriesPath(series: number, d: string): string {
  return `<path class="series-line s${series % COLOURS} d${Math.floor(series / 2) % 4}" d="${d}"/>`
}

/** One entry a line, from the top. */
export function legend(names: readonly string[], x: number, y: number): string[] {
  return names.flatMap((name, series) => [mark(series, x, y + series * 18), label(x + 12, y + series * 18 + 4, 'start', name)])
}

export type Scale = ReturnType<typeof scaleLinear<number>> | ReturnType<typeof scaleLog<number>>

/** Over all finite values; one value alone gets room around it. */
export function scaleOver(values: readonly number[], range: readonly [number, number], kind: 'linear' | 'log' = 'linear'): Scale {
  const finite = values.filter((value) => Number.isFinite(value) && (kind === 'linear' || value > 0))
  let [low, high] = [Math.min(...finite), Math.max(...finite)]
  if (finite.length === 0) [low, high] = kind === 'log' ? [1, 10] : [0, 1]
  if (kind === 'log') {
    // Half a decade at least, or a log axis has no ticks.
    const [from, to] = low * 3 < high ? [low, high] : [low / 2, high * 2]
    return scaleLog([from, to], range)
  }
  if (low === high) [low, high] = [low - (Math.abs(low) || 1) * 0.1, high + (Math.abs(high) || 1) * 0.1]
  return scaleLinear([low, high], range).nice()
}

export interface Box {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

/** Grid lines and numbers below. */
export function xAxis(
  x: Scale,
  { top, bottom }: Pick<Box, 'top' | 'bottom'>,
  ticks: readonly number[] = ticksOf(x, 6),
): string[] {
  return ticks.flatMap((tick) => [
    line('grid', x(tick), top, x(tick), bottom),
    label(x(tick), bottom + 18, 'middle', short(tick)),
  ])
}

/** Grid lines and numbers at the left. */
export function yAxis(
  y: Scale,
  { left, right }: Pick<Box, 'left' | 'right'>,
  ticks: readonly number[] = ticksOf(y, 5),
): string[] {
  return ticks.flatMap((tick) => [line('grid', left, y(tick), right, y(tick)), label(left - 8, y(tick) + 4, 'end', short(tick))])
}

/** About so many; of a log scale its powers of ten. */
export function ticksOf(scale: Scale, count: number): number[] {
  if (!('base' in scale)) return scale.ticks(count)
  const [low, high] = scale.domain() as [number, number]
  const powers = scale.ticks(count).filter((tick) => Math.abs(Math.log10(tick) % 1) < 1e-9)
  return powers.length > 1 ? powers : [low, high]
}

/** A number in few characters: 0.25, 12, 3k, 4.2M, 1e-7. */
export function short(value: number): string {
  const size = Math.abs(value)
  if (size !== 0 && size < 0.001) return value.toExponential(0)
  if (size >= 1e12) return value.toExponential(0)
  for (const [unit, name] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e4, 'k'],
  ] as const) {
    if (size >= unit) return `${significant(value / (unit === 1e4 ? 1e3 : unit))}${name}`
  }
  return significant(value)
}

const significant = (value: number) => `${Number(value.toPrecision(3))}`

export const rounded = (value: number) => Math.round(value * 100) / 100
