/** @file The section of `palign behave`: what a model says to persona statements, over doses and over persons. */
import type { BehaviourResult } from '../behaviour/result.ts'
import { curvePlot } from './curve-plot.ts'
import { forestPlot } from './forest-plot.ts'
import { heatMap } from './heat-map.ts'
import { type Figure, fixed, percent, range, type Section, type Table, wholeInterval } from './section.ts'

export function behaviourSection(result: BehaviourResult, id: string): Section {
  const { model, seed, version, statements, skipped, base } = result
  const silent = base.filter(({ unanswered }) => unanswered > 0.5)
  return {
    title: 'Behaviour: answers to persona statements',
    facts: [
      `Model ${model}; ${statements.perTrait} statements of each trait, seed ${seed}; palign ${version}. A statement’s score is log p(Yes) - log p(No), positive towards the trait; half of the statements are keyed No.`,
      ...(silent.length > 0
        ? [
            `The unsteered model hardly says Yes or No at all (${silent.map(({ trait }) => trait).join(', ')}): scores compare two words that it would not use, and say little.`,
          ]
        : []),
      ...skipped.map((reason) => `${reason}.`),
    ],
    figures: [...doseFigure(result, id), ...leakageFigure(result, id), ...personsFigure(result, id)],
    tables: [baseTable(result), doseTable(result), ...leakageTable(result), ...personsTable(result)].filter(
      ({ rows }) => rows.length > 0,
    ),
  }
}

function doseFigure({ doses }: BehaviourResult, id: string): Figure[] {
  const traits = [...new Set(doses.map(({ trait }) => trait))]
  if (traits.length === 0) return []
  const svgs = traits.map((trait, i) =>
    curvePlot({
      id: `${id}-doses-${i}`,
      title: `Score of ${trait} statements over the dose of a persona for each end of ${trait}`,
      xTitle: `dose of the persona, 1 is its own alpha`,
      yTitle: `${trait}: mean score, log p(Yes) - log p(No)`,
      size: 'small',
      curves: doses
        .filter((curve) => curve.trait === trait)
        .map(({ pole, points, overshootAt }) => ({
          name: pole,
          points: points.flatMap(({ dose, score }) => (score === null ? [] : [{ x: dose, y: score }])),
          flag: overshootAt === null ? undefined : { x: overshootAt, words: `${pole}: beyond this dose the effect falls` },
        })),
    }),
  )
  return [
    {
      caption:
        'Dose and response. The high persona should rise and the low one fall. A ring marks the dose beyond which the effect falls for good.',
      svg: svgs.join(''),
    },
  ]
}

function leakageFigure({ leakage }: BehaviourResult, id: string): Figure[] {
  if (leakage === null) return []
  const { steered, measured, effects, excess } = leakage
  const map = (name: string, title: string, heading: string, values: typeof effects) =>
    heatMap({
      id: `${id}-${name}`,
      title,
      heading,
      rowTitle: 'steered',
      columnTitle: 'measured',
      rows: steered,
      columns: measured,
      values,
      kind: 'diverging',
    })
  return [
    {
      caption: `What steering one trait does to the others: high minus low persona, in deviations of unsteered scores; the diagonal should be large and positive. Mean size off the diagonal over that on it: ${fixed(leakage.offDiagonalRatio)}. Excess: what human correlations between the traits do not explain.`,
      svg:
        map('leakage', 'Effect of steering every trait on every trait', 'effect', effects) +
        map('excess', 'Effect of steering beyond what human correlations explain', 'excess', excess),
    },
  ]
}

function personsFigure({ persons }: BehaviourResult, id: string): Figure[] {
  const rows = (persons ?? []).flatMap(({ arm, trait, r, interval }) =>
    r === null ? [] : [{ label: `${arm}, ${trait}`, value: r, interval: wholeInterval(interval) }],
  )
  if (rows.length === 0) return []
  const svg = forestPlot({
    id: `${id}-persons`,
    title: 'Correlation over persons of self-report and behaviour, by arm and trait',
    axis: 'correlation of domain score and statement score over persons',
    rows,
    rule: 0,
    ruleLabel: 'self-report says nothing of behaviour',
  })
  return [
    { caption: 'Whether what persons say of themselves shows in what their personas do; 95 % intervals over persons.', svg },
  ]
}

function baseTable({ base }: BehaviourResult): Table {
  return {
    title: 'The unsteered model',
    note: 'Matching: share of statements answered as somebody with the trait would. Unanswered: probability on anything but the two words. Yes-saying: mean of log p(Yes) - log p(No) whatever the key.',
    columns: ['trait', 'score', 'matching', 'unanswered', 'yes-saying'],
    rows: base.map(({ trait, score, matching, unanswered, yesBias }) => [
      trait,
      fixed(score),
      percent(matching),
      percent(unanswered),
      fixed(yesBias),
    ]),
  }
}

function doseTable({ doses, controls }: BehaviourResult): Table {
  const random = (trait: string) => {
    const sizes = controls.flatMap((control) =>
      control.trait === trait && control.effect !== null ? [Math.abs(control.effect)] : [],
    )
    return sizes.length === 0 ? '' : fixed(Math.max(...sizes))
  }
  return {
    title: 'Dose and response',
    note: 'Towards the pole, so that positive is as intended. KL p95: at dose 1, on neutral prompts. Monotone: share of steps that go the right way. Overshoot: dose beyond which the effect falls for good. Anti-steered: share of statements that move the wrong way at dose 1. Random: largest size of the effect of a random direction of equal strength.',
    columns: [
      'trait',
      'pole',
      'alpha',
      'KL p95',
      'Spearman',
      'R2',
      'slope per KL',
      'monotone',
      'overshoot',
      'anti-steered',
      'random',
    ],
    rows: doses.map(({ trait, pole, alpha, points, spearman, rSquared, slopePerKl, monotoneShare, overshootAt, antiSteered }) => [
      trait,
      pole,
      `${alpha}`,
      fixed(points.find(({ dose }) => dose === 1)?.klP95),
      fixed(spearman),
      fixed(rSquared),
      fixed(slopePerKl),
      percent(monotoneShare),
      overshootAt === null ? 'none' : `${overshootAt}`,
      percent(antiSteered),
      random(trait),
    ]),
  }
}

function leakageTable({ leakage }: BehaviourResult): Table[] {
  if (leakage === null) return []
  return [
    {
      title: 'Leakage between traits',
      note: 'Rows are steered, columns measured; the effect, and behind the bar what human correlations do not explain.',
      columns: ['steered', ...leakage.measured],
      rows: leakage.steered.map((trait, i) => [
        trait,
        ...leakage.measured.map((_, j) => {
          const excess = leakage.excess[i]![j]!
          return `${fixed(leakage.effects[i]![j])}${excess === null ? '' : ` | ${fixed(excess)}`}`
        }),
      ]),
    },
  ]
}

function personsTable({ persons }: BehaviourResult): Table[] {
  return [
    {
      title: 'Self-report and behaviour over persons',
      note: 'Correlation of the domain score of the known items with the statement score of the persona; none where behaviour does not vary.',
      columns: ['arm', 'trait', 'persons', 'r'],
      rows: (persons ?? []).map(({ arm, trait, n, r, interval }) => [
        arm,
        trait,
        `${n}`,
        r === null ? 'none' : `${fixed(r)} ${range(interval)}`,
      ]),
    },
  ]
}
