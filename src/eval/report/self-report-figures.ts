/** @file The figures of an evaluation beside its forest plots: data efficiency, heads, persons, forms, correlations, cost. */
import { DOMAINS } from '../../items/ipip-neo.ts'
import { type EvaluationResult, isMethod } from '../evaluation-result.ts'
import { curvePlot } from './curve-plot.ts'
import { dotPlot } from './dot-plot.ts'
import { heatMap } from './heat-map.ts'
import { scatterPanels } from './scatter-panels.ts'
import type { Figure } from './section.ts'

/** What the result does not hold is not drawn. */
export function selfReportFigures(result: EvaluationResult, id: string): Figure[] {
  return [
    ...efficiency(result, id),
    ...heads(result, id),
    ...persons(result, id),
    ...forms(result, id),
    ...correlations(result, id),
    ...cost(result, id),
  ]
}

function efficiency({ dataEfficiency = [] }: EvaluationResult, id: string): Figure[] {
  const curves = dataEfficiency
    .filter(({ arm, points }) => !arm.startsWith('constant-') && points.length > 0)
    .map(({ arm, points }) => ({
      name: arm,
      points: points.map(({ items, sum, interval }) => ({ x: items, y: sum, interval: interval ?? undefined })),
    }))
  if (curves.length === 0) return []
  const constant = dataEfficiency.find(({ arm }) => arm === 'constant-3')?.points[0]?.sum
  const svg = curvePlot({
    id: `${id}-efficiency`,
    title: 'Error by number of known items',
    xTitle: 'known items (logarithmic)',
    yTitle: 'error, sum of five mean absolute errors',
    xScale: 'log',
    xTicks: curves[0]!.points.map(({ x }) => x),
    curves,
    rule: constant === undefined ? undefined : { y: constant, name: 'always 3' },
  })
  return [{ caption: 'What more answers are worth: every method with the first few known items only.', svg }]
}

function heads({ heads: maps = [] }: EvaluationResult, id: string): Figure[] {
  if (maps.length === 0) return []
  const svgs = maps.map(({ arm, layers, heads: count, accuracy, chosen }, i) =>
    heatMap({
      id: `${id}-heads-${i}`,
      title: `Validation accuracy of the probes of ${arm} by layer and head, chosen heads ringed`,
      heading: arm,
      rowTitle: 'layer',
      columnTitle: 'head',
      rows: Array.from({ length: layers }, (_, layer) => `${layer}`),
      columns: Array.from({ length: count }, (_, head) => `${head}`),
      values: accuracy,
      kind: 'sequential',
      rings: chosen,
      ringTitle: 'share of persons with this head',
    }),
  )
  return [
    {
      caption:
        'How well a probe on each head tells what the person would say from its opposite, on items it was not fitted on; by chance one half. The more persons a head was chosen for, the thicker its ring.',
      svg: svgs.join(''),
    },
  ]
}

function persons({ persons: all = [], rows }: EvaluationResult, id: string): Figure[] {
  const methods = rows.filter(isMethod).map(({ arm }) => arm)
  const panels = methods.map((name) => ({
    name,
    points: all.flatMap(({ row, errors, wrong }) => {
      const [x, y] = [errors[name], wrong[name]]
      if (x === undefined || x === null || y === undefined || y === null) return []
      return [{ x, y, words: `person ${row}: own ${x.toFixed(3)}, others ${y.toFixed(3)}` }]
    }),
  }))
  const against = methods
    .filter((name) => name !== 'unchanged')
    .map((name) => ({
      name,
      points: all.flatMap(({ row, errors }) => {
        const [x, y] = [errors.unchanged, errors[name]]
        if (x === undefined || x === null || y === undefined || y === null) return []
        return [{ x, y, words: `person ${row}: unchanged ${x.toFixed(3)}, ${name} ${y.toFixed(3)}` }]
      }),
    }))
  const isDrawn = (drawn: readonly { readonly points: readonly unknown[] }[]) => drawn.some(({ points }) => points.length > 0)
  return [
    ...(isDrawn(panels)
      ? [
          {
            caption: 'One point a person. Above the diagonal the person’s own predictions are better than those of others.',
            svg: scatterPanels({
              id: `${id}-persons`,
              title: 'Error of every person with the own predictions and with those of others, by arm',
              xTitle: 'error with the own predictions',
              yTitle: 'error with the predictions of other persons, mean',
              panels: panels.filter(({ points }) => points.length > 0),
            }),
          },
        ]
      : []),
    ...(isDrawn(against)
      ? [
          {
            caption: 'One point a person. Below the diagonal the arm is better than the unchanged model.',
            svg: scatterPanels({
              id: `${id}-unchanged`,
              title: 'Error of every person with the unchanged model and with the arm',
              xTitle: 'error of the unchanged model',
              yTitle: 'error of the arm',
              panels: against.filter(({ points }) => points.length > 0),
            }),
          },
        ]
      : []),
  ]
}

function forms({ rows }: EvaluationResult, id: string): Figure[] {
  const asked = rows.filter(({ forms: of }) => (of?.errors?.length ?? 0) > 1)
  if (asked.length === 0) return []
  const names = [...new Set(asked.flatMap(({ forms: of }) => of!.errors!.map(({ form }) => form)))]
  const svg = dotPlot({
    id: `${id}-forms`,
    title: 'Error of every arm in every form of the question',
    axis: 'error, sum of five mean absolute errors',
    series: names,
    rows: asked.map(({ arm, forms: of }) => ({
      label: arm,
      values: names.map((name) => of!.errors!.find(({ form }) => form === name)?.sum ?? null),
    })),
  })
  return [{ caption: 'The same questions asked in other ways: what moves with the form is not the person’s.', svg }]
}

function correlations({ rows, human }: EvaluationResult, id: string): Figure[] {
  const maps = [
    ...(human?.correlations === undefined
      ? []
      : [{ name: 'the persons’ own answers', matrix: human.correlations, distance: null }]),
    ...rows
      .filter(isMethod)
      .flatMap(({ arm, scales }) =>
        scales?.correlations === undefined || scales.correlations.every((row, i) => row.every((r, j) => i === j || r === null))
          ? []
          : [{ name: arm, matrix: scales.correlations, distance: scales.distance ?? null }],
      ),
  ]
  if (maps.length === 0) return []
  const svgs = maps.map(({ name, matrix, distance }, i) =>
    heatMap({
      id: `${id}-correlations-${i}`,
      title: `Correlations between domains: ${name}`,
      heading: distance === null ? name : `${name} (${distance.toFixed(2)})`,
      rowTitle: 'domain',
      columnTitle: 'domain',
      rows: DOMAINS,
      columns: DOMAINS,
      values: matrix,
      kind: 'diverging',
    }),
  )
  return [
    {
      caption:
        'Correlations between domains over persons; in brackets the root mean square distance from those of the persons’ own answers.',
      svg: svgs.join(''),
    },
  ]
}

const COST_SERIES = [
  ['optimisation', 'optimisationSecondsPerPerson'],
  ['search for alpha', 'searchSecondsPerPerson'],
  ['answering', 'answerSecondsPerPerson'],
  ['shared, once', 'sharedSeconds'],
] as const

function cost({ rows }: EvaluationResult, id: string): Figure[] {
  const methods = rows.filter(isMethod)
  if (methods.length === 0) return []
  const stored = methods.filter(({ cost: of }) => (of.storedBytesPerPerson ?? 0) > 0)
  const seconds = dotPlot({
    id: `${id}-cost`,
    title: 'Seconds per person of every arm',
    axis: 'seconds per person (logarithmic)',
    scale: 'log',
    series: COST_SERIES.map(([name]) => name),
    rows: methods.map(({ arm, cost: of }) => ({ label: arm, values: COST_SERIES.map(([, field]) => of[field] ?? null) })),
  })
  const bytes = dotPlot({
    id: `${id}-bytes`,
    title: 'Bytes kept of a person by every arm',
    axis: 'bytes per person (logarithmic)',
    scale: 'log',
    series: ['stored'],
    rows: stored.map(({ arm, cost: of }) => ({ label: arm, values: [of.storedBytesPerPerson ?? null] })),
  })
  return [
    { caption: 'What an arm costs on this machine; what takes no time is not drawn.', svg: seconds },
    ...(stored.length === 0 ? [] : [{ caption: 'What has to be kept of a person.', svg: bytes }]),
  ]
}
