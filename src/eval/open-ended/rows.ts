/** @file One row for each arm and trait out of scores, grades and comparisons. Situations are the units: samples are averaged before anything is compared. */
import { DOMAINS, type Domain } from '../../items/ipip-neo.ts'
import { bootstrapInterval, type Interval } from '../../math/bootstrap.ts'
import { groupBy } from '../../math/group-by.ts'
import { mean } from '../../math/statistics.ts'
import { type Arm, UNSTEERED } from '../arm.ts'
import type { OpenAnswer } from './answers.ts'
import type { JudgedAnswers } from './judging.ts'
import type { OpenEndedRow } from './result.ts'
import type { TraitClassifier } from './trait-classifier.ts'
import { winRate } from './win-rate.ts'

export interface RowsOptions {
  readonly arms: readonly Pick<Arm, 'name'>[]
  readonly answers: readonly OpenAnswer[]
  readonly classifiers: readonly TraitClassifier[]
  /** One for each judge; their lists follow the answers. */
  readonly judged: readonly Pick<JudgedAnswers, 'grades' | 'comparisons'>[]
  readonly seed: number
}

export function openEndedRows({ arms, answers, classifiers, judged, seed }: RowsOptions): OpenEndedRow[] {
  const traits = DOMAINS.filter((trait) => answers.some(({ situation }) => situation.trait === trait))
  return arms.flatMap(({ name }) =>
    traits.map((trait) => {
      const classifier = classifiers.find((one) => one.trait === trait)
      const own = answersOf(answers, name, trait)
      return {
        arm: name,
        trait,
        ...(classifier && { classifier: classified(classifier, own, answersOf(answers, UNSTEERED.name, trait), name, seed) }),
        ...(judged.length > 0 && { judged: graded(own, judged, seed) }),
        ...(judged.length > 0 && name !== UNSTEERED.name && { winRate: won(own, answers, judged, seed) }),
      }
    }),
  )
}

/** An answer and its place among all of them. */
type Placed = OpenAnswer & { readonly place: number }

function answersOf(answers: readonly OpenAnswer[], arm: string, trait: Domain): Placed[] {
  return answers
    .map((answer, place) => ({ ...answer, place }))
    .filter((answer) => answer.arm === arm && answer.situation.trait === trait)
}

function classified({ score }: TraitClassifier, own: Placed[], base: Placed[], arm: string, seed: number) {
  const scores = bySituation(own, ({ text }) => [score(text)])
  const baseScores = bySituation(base, ({ text }) => [score(text)])
  const differences = scores.map((value, index) => value - baseScores[index]!)
  const measured = meanWithInterval(scores, seed)
  return arm === UNSTEERED.name ? measured : { ...measured, overUnsteered: meanWithInterval(differences, seed) }
}

/** Situations without any grade that could be read have none. */
function graded(own: Placed[], judged: RowsOptions['judged'], seed: number) {
  const gradesOf = ({ place }: Placed) => judged.flatMap(({ grades }) => grades[place] ?? [])
  const traits = bySituation(own, (answer) => gradesOf(answer).map(({ trait }) => trait))
  const coherence = bySituation(own, (answer) => gradesOf(answer).flatMap((grade) => grade.coherence ?? []))
  return { ...meanWithInterval(traits, seed), coherence: mean(coherence) }
}

function won(own: Placed[], answers: readonly OpenAnswer[], judged: RowsOptions['judged'], seed: number) {
  const base = new Map(
    answers.flatMap(({ arm, situation, sample, text }) =>
      arm === UNSTEERED.name ? [[`${situation.id} ${sample}`, text] as const] : [],
    ),
  )
  const compared = own.flatMap(({ situation, sample, text, place }) =>
    judged.flatMap(({ comparisons }) => {
      const comparison = comparisons[place]
      const other = base.get(`${situation.id} ${sample}`)
      return comparison === undefined || other === undefined
        ? []
        : [{ ...comparison, situation: situation.id, answer: text, other }]
    }),
  )
  const rate = winRate(compared, { seed })
  return { ...rate, interval: [...rate.interval] as [number, number] }
}

/** Mean over the samples (and judges) of each situation that has a value. */
function bySituation(own: readonly Placed[], valuesOf: (answer: Placed) => readonly number[]): number[] {
  const groups = [...groupBy(own, ({ situation }) => situation.id).values()]
  return groups.map((answers) => mean(answers.flatMap(valuesOf))).filter((value) => !Number.isNaN(value))
}

/** The interval is NaN where there are fewer than two values. */
function meanWithInterval(values: readonly number[], seed: number): { value: number; interval: [number, number] } {
  const interval: Interval = values.length < 2 ? [Number.NaN, Number.NaN] : bootstrapInterval(values, { seed })
  return { value: mean(values), interval: [...interval] }
}
