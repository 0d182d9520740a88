/** @file The evaluation run: every method answers the held-out items for every respondent, beside the floors. */
import { type AnswerDistributions, answerQuestions, renderQuestions } from '../align/questions.ts'
import { PalignError } from '../errors.ts'
import { argmaxAnswer, expectedAnswer, medianAnswer } from '../items/answer-distribution.ts'
import { DOMAINS } from '../items/ipip-neo.ts'
import { mean } from '../math/statistics.ts'
import type { Progress } from '../model/language-model.ts'
import type { Respondent } from '../people/respondent.ts'
import { compilePersona, type Persona } from '../persona/persona.ts'
import { correctedErrors, type ErrorTable } from './alignment-error.ts'
import { answerTable, selectRows } from './answer-table.ts'
import { type AnswerUnit, answerUnitKey, decodeAnswerUnit, encodeAnswerUnit } from './answer-unit.ts'
import { type Cost, costMeter, type ProcessMeter, sumOfCosts } from './cost.ts'
import { floors, populationOf, roundedWorded, unroundedWorded } from './floors.ts'
import { type MethodContext, type MethodName, openMethod } from './methods.ts'
import { type StrengthMeter, strengthMeter } from './steering-strength.ts'
import { type ArmPredictions, resultTable, type TableRow } from './table.ts'
import { memoryUnits, runUnits, type UnitStore } from './units.ts'

export interface EvaluateOptions extends MethodContext {
  readonly methods: readonly MethodName[]
  /** Everybody in the file: floors that use other people use all of them. */
  readonly population: readonly Respondent[]
  /** Rows of the population to evaluate. */
  readonly rows: readonly number[]
  /** Where finished answers are found and kept; default: for this run alone. */
  readonly units?: UnitStore | undefined
  /** Of the program: units of another one are not used. */
  readonly version?: string | undefined
  /** Measures memory and processor time of every method; default: they are not measured. */
  readonly process?: ProcessMeter | undefined
  /** Called for every stage with a name; what it returns is told of the progress and the end. */
  readonly onStage?: ((name: string) => { update(progress: Progress): void; end(): void }) | undefined
}

/** Held-out items are used here once, after everything has been chosen on known items. */
export async function evaluate(options: EvaluateOptions): Promise<TableRow[]> {
  const {
    methods,
    population,
    rows,
    heldOut,
    seed,
    onStage = () => ({ update: () => undefined, end: () => undefined }),
  } = options
  const respondents = rows.map((row) => population[row] as Respondent)
  const truth = answerTable(respondents, heldOut.items)
  checkAnswered(respondents, correctedErrors(truth.worded, truth))
  const arms: ArmPredictions[] = []
  for (const name of methods) {
    const stage = onStage(name)
    arms.push(await runArm(name, respondents, options, stage.update))
    stage.end()
  }
  const everybody = populationOf(population, options.known, heldOut)
  for (const { arm, regime, predict } of floors()) {
    const started = performance.now()
    const keyed = predict(everybody)
    const cost = { sharedSeconds: (performance.now() - started) / 1000 }
    const [answers, expected] = [roundedWorded, unroundedWorded].map((turned) =>
      selectRows(turned(keyed, heldOut.items), rows, heldOut.items.length),
    )
    arms.push({ arm, regime, answers: answers!, expected, cost })
  }
  return resultTable(arms, truth, { seed })
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

/** Every respondent's unit, computed or found; the method is opened when the first one is missing. */
async function runArm(
  name: MethodName,
  respondents: readonly Respondent[],
  options: EvaluateOptions,
  onProgress: (progress: Progress) => void,
): Promise<ArmPredictions> {
  const { heldOut, units: store = memoryUnits(), signal } = options
  const items = heldOut.items.length
  const keys = await Promise.all(respondents.map((respondent) => answerUnitKey(name, options, respondent)))
  const sharedKey = await answerUnitKey(name, options)
  let opened: Promise<OpenedArm> | undefined
  const compute = async (respondent: Respondent) => {
    opened ??= openArm(name, options)
    const { answer, sharedCost } = await opened
    await store.write(sharedKey, JSON.stringify(sharedCost))
    return encodeAnswerUnit(await answer(respondent))
  }
  try {
    const wanted = keys.map((key, r) => ({ key, compute: () => compute(respondents[r]!) }))
    const results = await runUnits(store, wanted, { signal, onProgress })
    const decoded = results.map((result) => decodeAnswerUnit(result, items))
    const first = keys.flatMap((key, r) => (keys.indexOf(key) === r ? [decoded[r]!.cost] : []))
    const shared = JSON.parse((await store.read(sharedKey)) ?? '{}') as Cost
    const { regime, hyperparameters } = decoded[0]!
    const cost = sumOfCosts(shared, first, respondents.length)
    return { arm: name, regime, hyperparameters, cost, strength: meanStrength(decoded), ...predictionsOf(decoded, items) }
  } finally {
    const { dispose } = (await opened?.catch(() => undefined)) ?? {}
    await dispose?.()
  }
}

function meanStrength(units: readonly AnswerUnit[]): AnswerUnit['strength'] {
  const known = units.flatMap(({ strength }) => (strength === undefined ? [] : [strength]))
  if (known.length === 0) return undefined
  const alphas = known.flatMap(({ alpha }) => (alpha === undefined ? [] : [alpha]))
  return { klP95: mean(known.map(({ klP95 }) => klP95)), ...(alphas.length > 0 && { alpha: mean(alphas) }) }
}

function predictionsOf(units: readonly AnswerUnit[], items: number) {
  const [answers, medians, expected] = [1, 2, 3].map(() => new Float32Array(units.length * items)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ]
  let unanswered = 0
  units.forEach(({ distributions }, r) => {
    for (let i = 0; i < items; i++) {
      const probabilities = distributions.probabilities.subarray(i * 5, i * 5 + 5)
      answers[r * items + i] = argmaxAnswer(probabilities)
      medians[r * items + i] = medianAnswer(probabilities)
      expected[r * items + i] = expectedAnswer(probabilities)
      unanswered += distributions.unanswered[i]! / (units.length * items)
    }
  })
  return { answers, medians, expected, unanswered }
}

interface OpenedArm {
  readonly sharedCost: Cost
  answer(respondent: Respondent): Promise<AnswerUnit>
  dispose(): Promise<void>
}

async function openArm(name: MethodName, options: EvaluateOptions): Promise<OpenedArm> {
  const { model, questionnaire, heldOut, orders, signal, process } = options
  const meter = await costMeter(model, process)
  const method = await openMethod(name, options)
  meter.addShared(method)
  const render = (system?: string) =>
    renderQuestions(model, heldOut.items, questionnaire.answerLabels, { system, orders, signal })
  const questions = await render()
  let strength: Promise<StrengthMeter> | undefined

  /** Of what is added to the model; a prompt alone has none. */
  const strengthOf = async (persona: Persona): Promise<AnswerUnit['strength']> => {
    const { displacement, adapter } = compilePersona(persona, model)
    if (displacement === undefined && adapter === undefined) return undefined
    strength ??= strengthMeter(model, { signal })
    return { klP95: await (await strength).of({ displacement, adapter }), ...('alpha' in persona && { alpha: persona.alpha }) }
  }

  const answerAs = async (persona: Persona): Promise<AnswerDistributions> => {
    const { system, ...steering } = compilePersona(persona, model)
    const asked = system === undefined ? questions : await render(system)
    return answerQuestions(model, asked, { ...steering, signal })
  }
  return {
    sharedCost: await meter.finish(1),
    async answer(respondent) {
      const meter = await costMeter(model, process)
      meter.enter('optimisation')
      const persona = await method.align(respondent, meter.enter)
      meter.enter('answer')
      meter.addPersona(persona)
      const distributions = await answerAs(persona)
      const { regime, hyperparameters } = method
      // Measuring the strength is no part of what the arm costs.
      const cost = await meter.finish(1)
      return { regime, hyperparameters, distributions, cost, strength: await strengthOf(persona) }
    },
    dispose: async () => method.dispose?.(),
  }
}
