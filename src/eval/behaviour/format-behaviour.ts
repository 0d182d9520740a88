/** @file A behaviour result as plain text. */
import { mean } from '../../math/statistics.ts'
import { alignedColumns } from '../columns.ts'
import type { BehaviourResult } from './result.ts'

/** Mass on other answers above which a reader is warned. */
const MOSTLY = 0.9

export function formatBehaviour({ base, doses, controls, leakage, persons, skipped, statements }: BehaviourResult): string {
  const parts = [formatBase(base, statements.perTrait)]
  if (doses.length > 0) parts.push(formatDoses(doses))
  if (leakage !== null) parts.push(formatLeakage(leakage, controls))
  if (persons !== null) parts.push(formatPersons(persons))
  if (skipped.length > 0) parts.push(skipped.join('\n'))
  return parts.join('\n\n')
}

function formatBase(base: BehaviourResult['base'], perTrait: number): string {
  const rows = base.map(({ trait, score, matching, unanswered, yesBias }) => [
    trait,
    ...[score, matching, unanswered, yesBias].map(fixed),
  ])
  return [
    ...alignedColumns([['unsteered', 'score', 'matching', 'unanswered', 'yes bias'], ...rows]),
    '',
    `${perTrait} statements a trait, half of them matched by Yes; score: mean log p(Yes) - log p(No) towards the trait, nats`,
    ...(base.some(({ unanswered }) => unanswered > MOSTLY)
      ? ['The model hardly ever says Yes or No here: its scores compare two words that it would not use.']
      : []),
  ].join('\n')
}

function formatDoses(doses: BehaviourResult['doses']): string {
  const head = [
    'steered',
    'pole',
    'alpha',
    'score at 0',
    'at 1',
    'at 2',
    'KL p95 at 1',
    'rho',
    'R2',
    'per KL',
    'rising',
    'overshoot',
    'wrong way',
  ]
  const rows = doses.map(({ trait, pole, alpha, points, ...summary }) => {
    const at = (dose: number) => points.find((point) => point.dose === dose)
    const { spearman, rSquared, slopePerKl, monotoneShare, overshootAt, antiSteered } = summary
    return [
      trait,
      pole,
      String(alpha),
      ...[at(0)?.score, at(1)?.score, at(2)?.score, at(1)?.klP95, spearman, rSquared, slopePerKl, monotoneShare].map(fixed),
      overshootAt === null ? '-' : String(overshootAt),
      fixed(antiSteered),
    ]
  })
  return [
    ...alignedColumns([head, ...rows], 2),
    '',
    'rho, R2, slope per KL and share of rising steps are of the response towards the pole over nine doses, 0 to 2 times alpha; wrong way: share of statements moved away from the pole at dose 1',
  ].join('\n')
}

function formatLeakage(
  { steered, measured, effects, excess, offDiagonalRatio }: NonNullable<BehaviourResult['leakage']>,
  controls: BehaviourResult['controls'],
): string {
  const table = (title: string, rows: readonly (readonly (number | null)[])[]) =>
    alignedColumns([
      [title, ...measured.map((trait) => trait.slice(0, 7))],
      ...rows.map((row, i) => [steered[i]!, ...row.map(fixed)]),
    ])
  const random = steered.flatMap((trait) => {
    const sizes = controls.flatMap((control) =>
      control.trait === trait && control.effect !== null ? [Math.abs(control.effect)] : [],
    )
    if (sizes.length === 0) return []
    return [[trait, fixed(mean(sizes)), fixed(Math.max(...sizes)), String(sizes.length)]]
  })
  return [
    ...table('effect', effects),
    '',
    ...table('excess', excess),
    '',
    ...(random.length === 0 ? [] : [...alignedColumns([['random directions', 'mean size', 'largest', 'seeds'], ...random]), '']),
    `effect: high end minus low end at dose 1, in spreads of the unsteered scores; on others over on its own: ${fixed(offDiagonalRatio)}; excess: beyond how traits go together in people`,
  ].join('\n')
}

function formatPersons(persons: NonNullable<BehaviourResult['persons']>): string {
  const rows = persons.map(({ arm, trait, n, r, interval }) => [
    arm,
    trait,
    String(n),
    fixed(r),
    interval === null ? '-' : interval.map(fixed).join('..'),
  ])
  return [
    ...alignedColumns([['persons', 'trait', 'n', 'r', '95 % interval'], ...rows], 2),
    '',
    'r: over persons, of the domain score of the known answers with the behaviour score',
  ].join('\n')
}

const fixed = (value: number | null | undefined) => (value === null || value === undefined ? '-' : value.toFixed(3))
