import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { curvePlot } from '../../../../src/eval/report/curve-plot.ts'
import { dotPlot } from '../../../../src/eval/report/dot-plot.ts'
import { short } from '../../../../src/eval/report/drawing.ts'
import { forestPlot } from '../../../../src/eval/report/forest-plot.ts'
import { heatMap } from '../../../../src/eval/report/heat-map.ts'
import { scatterPanels } from '../../../../src/eval/report/scatter-panels.ts'

/** Every number that an attribute places something by. */
const places = (svg: string) =>
  [...svg.matchAll(/ (?:x|y|x1|x2|y1|y2|cx|cy|r|width|height)="([^"]*)"/g)].map(([, value]) => Number(value))
const titles = (svg: string) => [...svg.matchAll(/<g><title>([^<]*)<\/title>/g)].map(([, words]) => words)
const number = fc.double({ min: -1e6, max: 1e6, noNaN: true })

const FIGURES: Readonly<Record<string, (values: readonly number[]) => string>> = {
  'forest plot': (values) =>
    forestPlot({
      id: 'f',
      title: 't',
      axis: 'a',
      rows: values.map((value, i) => ({ label: `arm ${i}`, value, interval: [value - 1, value + 1] })),
      rule: 0,
    }),
  'dot plot': (values) =>
    dotPlot({
      id: 'f',
      title: 't',
      axis: 'a',
      series: ['s'],
      rows: values.map((value, i) => ({ label: `arm ${i}`, values: [value] })),
    }),
  'logarithmic dot plot': (values) =>
    dotPlot({
      id: 'f',
      title: 't',
      axis: 'a',
      scale: 'log',
      series: ['s'],
      rows: values.map((value, i) => ({ label: `arm ${i}`, values: [value] })),
    }),
  'curve plot': (values) =>
    curvePlot({
      id: 'f',
      title: 't',
      xTitle: 'x',
      yTitle: 'y',
      curves: [{ name: 'c', points: values.map((y, x) => ({ x, y })) }],
    }),
  'heat map': (values) =>
    heatMap({
      id: 'f',
      title: 't',
      rowTitle: 'r',
      columnTitle: 'c',
      rows: ['row'],
      columns: values.map((_, i) => `${i}`),
      values: [values],
      kind: 'diverging',
    }),
  'scatter panels': (values) =>
    scatterPanels({
      id: 'f',
      title: 't',
      xTitle: 'x',
      yTitle: 'y',
      panels: [{ name: 'p', points: values.map((x) => ({ x, y: -x, words: 'w' })) }],
    }),
}

describe.each(Object.entries(FIGURES))('%s', (_, draw) => {
  it('places everything at finite numbers, whatever the values', () => {
    fc.assert(
      fc.property(fc.array(number, { maxLength: 12 }), (values) => {
        const svg = draw(values)
        expect(places(svg).filter((place) => !Number.isFinite(place))).toEqual([])
        expect(svg).not.toMatch(/NaN|Infinity|undefined/)
      }),
      { numRuns: 60 },
    )
  })

  it('can be drawn of nothing, of one value and of equal ones', () => {
    for (const values of [[], [0], [3], [2, 2, 2]]) expect(draw(values)).toMatch(/^<svg [\s\S]*<\/svg>$/)
  })

  it('has a name for those who do not see it', () => {
    expect(draw([1, 2])).toMatch(/role="img" aria-labelledby="f">\n<title id="f">t<\/title>/)
  })
})

describe('figures', () => {
  it('say in words what they show', () => {
    expect(titles(FIGURES['forest plot']!([1.5]))).toEqual(['arm 0: 1.500 (0.500..2.500)'])
    expect(titles(FIGURES['dot plot']!([1.5]))).toEqual(['arm 0, s: 1.5'])
    expect(titles(FIGURES['curve plot']!([1.5]))).toEqual(['c at 0: 1.500'])
    expect(titles(FIGURES['heat map']!([1.5]))).toEqual(['row, 0: 1.50'])
  })

  it('leave out of a logarithmic axis what has no place on it', () => {
    expect(titles(FIGURES['logarithmic dot plot']!([0, -1, 5]))).toEqual(['arm 2, s: 5'])
  })

  it('cut long names and keep them whole in words', () => {
    const label = 'x'.repeat(100)
    const svg = forestPlot({ id: 'f', title: 't', axis: 'a', rows: [{ label, value: 1 }] })
    expect(svg).toContain(`<title>${label}: 1.000</title>`)
    expect(svg).toContain(`>${'x'.repeat(31)}…</text>`)
  })

  it('shade a heat map by the size of its values, and ring the chosen', () => {
    const svg = heatMap({
      id: 'f',
      title: 't',
      rowTitle: 'r',
      columnTitle: 'c',
      rows: ['a'],
      columns: ['1', '2', '3', '4'],
      values: [[-2, 0, 1, null]],
      kind: 'diverging',
      rings: [[1, 0, 0.5, 0]],
      ringTitle: 'chosen',
    })
    expect(
      [...svg.matchAll(/class="(warm|cool)" fill-opacity="([^"]*)"/g)].map(([, kind, shade]) => [kind, Number(shade)]),
    ).toEqual([
      ['cool', 0.5],
      ['warm', 0],
      ['warm', 0.25],
      ['warm', 0],
    ])
    expect([...svg.matchAll(/class="ring" stroke-width="([^"]*)"/g)].map(([, width]) => Number(width))).toEqual([3, 1.75])
    expect(titles(svg)).toEqual(['a, 1: -2.00; chosen: 1.00', 'a, 2: 0.00', 'a, 3: 1.00; chosen: 0.50', 'a, 4: none'])
  })

  it('point out a place on a curve', () => {
    const points = [
      { x: 0, y: 0 },
      { x: 1, y: 1 },
    ]
    const curve = (flag: { x: number; words: string } | undefined) =>
      curvePlot({ id: 'f', title: 't', xTitle: 'x', yTitle: 'y', curves: [{ name: 'c', points, flag }] })
    expect(titles(curve({ x: 1, words: 'here' }))).toContain('here')
    expect(titles(curve({ x: 7, words: 'nowhere' }))).not.toContain('nowhere')
  })

  it.each([
    [0, '0'],
    [0.25, '0.25'],
    [1234, '1230'],
    [12_345, '12.3k'],
    [4_200_000, '4.2M'],
    [0.00002, '2e-5'],
    [-3, '-3'],
  ])('write %d as %s', (value, text) => {
    expect(short(value)).toBe(text)
  })
})
