/** @file The evaluation run: every method answers the held-out items for every respondent, beside the floors. */

import { PalignError } from '../errors.ts'
import { DOMAINS } from '../items/ipip-neo.ts'
import type { KnownItems } from '../items/item-split.ts'
import { lettersForm, OPTION_ORDERS, type QuestionForm } from '../items/question-form.ts'
import type { Respondent } from '../people/respondent.ts'
import { correctedErrors, type ErrorTable, sumsOfDomains } from './alignment-error.ts'
import { type AnswerTable, answerTable, selectRows } from './answer-table.ts'
import type { ProcessMeter } from './cost.ts'
import { checkItemCounts, type DataEfficiency, efficiencyOf, learnsFromAnswers } from './data-efficiency.ts'
import { floors, populationOf, roundedWorded, unroundedWorded } from './floors.ts'
import type { HeadMap } from './head-map.ts'
import type { MethodContext, MethodName } from './methods.ts'
import { personalisationGains } from './personalisation.ts'
import { type ArmContext, runArm } from './run-arm.ts'
import { type OnStage, silently } from './stage.ts'
import { type ArmPredictions, humanScales, resultTable, type TableRow } from './table.ts'
import type { TraitScales } from './trait-scales.ts'
import { memoryUnits, type UnitStore } from './units.ts'

export interface EvaluateOptions extends MethodContext {
  readonly methods: readonly MethodName[]
  /** Everybody in the file: floors that use other people use all of them. */
  readonly population: readonly Respondent[]
  /** Rows of the population to evaluate. */
  readonly rows: readonly number[]
  /** Forms in which held-out items are asked; an arm's answer is the mean over them. Default: letters, the published phrasing, in `orders`. */
  readonly forms?: readonly QuestionForm[] | undefined
  /** Numbers of known items: methods that learn from answers are also given only the first so many. */
  readonly itemCounts?: readonly number[] | undefined
  /** Where finished units are found and kept; default: for this run alone. */
  readonly units?: UnitStore | undefined
  /** Of the program: units of another one are not used. */
  readonly version?: string | undefined
  /** Measures memory and processor time of every method; default: they are not measured. */
  readonly process?: ProcessMeter | undefined
  /** Called for every stage with a name; what it returns is told of the progress and the end. */
  readonly onStage?: OnStage | undefined
}

export interface Evaluation {
  readonly rows: readonly TableRow[]
  /** Errors of every respondent, sum of five domains, by arm: with the own predictions, and the mean with those of others (null for one respondent). */
  readonly persons: readonly PersonErrors[]
  /** Of methods with probes. */
  readonly heads: readonly (HeadMap & { readonly arm: string })[]
  /** How the answers of the respondents themselves hang together; absent for fewer than three. */
  readonly human: TraitScales | undefined
  readonly dataEfficiency: readonly DataEfficiency[]
}

export interface PersonErrors {
  /** In the answers file, from 0: the only thing that says who it is. */
  readonly row: number
  readonly errors: Readonly<Record<string, number>>
  readonly wrong: Readonly<Record<string, number | null>>
}

/** Held-out items are used here once, after everything has been chosen on known items. */
export async function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  const { methods, population, rows, orders = OPTION_ORDERS, forms = orders.map(lettersForm), seed } = options
  const { units = memoryUnits(), known, heldOut, itemCounts = [] } = options
  const { onStage = silently } = options
  const respondents = rows.map((row) => population[row] as Respondent)
  const truth = answerTable(respondents, heldOut.items)
  checkAnswered(respondents, correctedErrors(truth.worded, truth))
  checkItemCounts(itemCounts, known)
  const run = async (method: MethodName, context: ArmContext, name: string) => {
    const stage = onStage(name)
    const armRun = await runArm(method, respondents, context, stage.update)
    stage.end()
    return armRun
  }

  const arms: ArmPredictions[] = []
  const heads: (HeadMap & { arm: string })[] = []
  for (const name of methods) {
    const { predictions, heads: map } = await run(name, { ...options, units, forms }, name)
    arms.push(predictions)
    if (map !== undefined) heads.push({ arm: name, ...map })
  }
  const floorsWith = (items: KnownItems) => floorPredictions(options, items)
  arms.push(...floorsWith(known))

  const learning = methods.filter((name) => learnsFromAnswers(name, options))
  const dataEfficiency = await efficiencyOf(itemCounts, known, truth, {
    seed,
    ask: async (count, items) => {
      // With all of them it is the same work as in the table, and the same units.
      const tooFew = count < known.items.length ? ('leave-unsteered' as const) : undefined
      const context: ArmContext = { ...options, units, forms, known: items, tooFew }
      const runs = []
      for (const name of learning) runs.push(await run(name, context, `${name} with ${count} items`))
      return [...runs.map(({ predictions, tooFew }) => ({ ...predictions, tooFew })), ...floorsWith(items)]
    },
  })
  return {
    rows: resultTable(arms, truth, { seed }),
    persons: personErrors(arms, truth, respondents),
    heads,
    human: humanScales(truth),
    dataEfficiency,
  }
}

function floorPredictions({ population, heldOut, rows }: EvaluateOptions, known: KnownItems): ArmPredictions[] {
  const everybody = populationOf(population, known, heldOut)
  return floors().map(({ arm, regime, predict }) => {
    const started = performance.now()
    const keyed = predict(everybody)
    const cost = { sharedSeconds: (performance.now() - started) / 1000 }
    const [answers, expected] = [roundedWorded, unroundedWorded].map((turned) =>
      selectRows(turned(keyed, heldOut.items), rows, heldOut.items.length),
    )
    return { arm, regime, answers: answers!, expected, cost }
  })
}

function personErrors(arms: readonly ArmPredictions[], truth: AnswerTable, respondents: readonly Respondent[]): PersonErrors[] {
  const columns = arms.map(({ arm, answers }) => ({
    arm,
    own: sumsOfDomains(correctedErrors(answers, truth)),
    gains: personalisationGains(answers, truth),
  }))
  const named = <T>(of: (column: (typeof columns)[number]) => T) =>
    Object.fromEntries(columns.map((column) => [column.arm, of(column)]))
  return respondents.map(({ row }, r) => ({
    row,
    errors: named(({ own }) => own[r]!),
    wrong: named(({ own, gains }) => (Number.isNaN(gains[r]!) ? null : own[r]! + gains[r]!)),
  }))
}

/** A domain without a held-out answer has no error: found before the hours of work, not after. */
function checkAnswered(respondents: readonly Respondent[], errors: ErrorTable): void {
  const at = errors.findIndex(Number.isNaN)
  if (at < 0) return
  const row = respondents[Math.floor(at / DOMAINS.length)]!.row
  throw new PalignError(
    'invalid-input',
    `respondent in row ${row} answered no held-out item of domain ${DOMAINS[at % DOMAINS.length]}`,
    {
      hint: 'leave this respondent out of the file',
    },
  )
}
