/** @file The evaluation run: every method answers the held-out items for every respondent, beside the floors. */
import { type AnswerDistributions, answerQuestions, renderQuestions } from '../align/questions.ts'
import { PalignError, throwIfAborted } from '../errors.ts'
import { argmaxAnswer, expectedAnswer, medianAnswer } from '../items/answer-distribution.ts'
import { DOMAINS } from '../items/ipip-neo.ts'
import type { Progress } from '../model/language-model.ts'
import type { Respondent } from '../people/respondent.ts'
import { compilePersona, type Persona } from '../persona/persona.ts'
import { correctedErrors, type ErrorTable } from './alignment-error.ts'
import { answerTable, selectRows } from './answer-table.ts'
import { type CostMeter, costMeter, type ProcessMeter } from './cost.ts'
import { floors, populationOf, roundedWorded, unroundedWorded } from './floors.ts'
import { type Method, type MethodContext, type MethodName, openMethod } from './methods.ts'
import { type ArmPredictions, resultTable, type TableRow } from './table.ts'

export interface EvaluateOptions extends MethodContext {
  readonly methods: readonly MethodName[]
  /** Everybody in the file: floors that use other people use all of them. */
  readonly population: readonly Respondent[]
  /** Rows of the population to evaluate. */
  readonly rows: readonly number[]
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
    const meter = await costMeter(options.model, options.process)
    const method = await openMethod(name, options)
    meter.addShared(method)
    try {
      arms.push(await runMethod(method, respondents, options, meter, stage.update))
    } finally {
      await method.dispose?.()
    }
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

async function runMethod(
  method: Method,
  respondents: readonly Respondent[],
  { model, questionnaire, heldOut, orders, signal }: EvaluateOptions,
  meter: CostMeter,
  onProgress: (progress: Progress) => void,
): Promise<ArmPredictions> {
  const items = heldOut.items.length
  const answers = new Float32Array(respondents.length * items)
  const medians = new Float32Array(respondents.length * items)
  const expected = new Float32Array(respondents.length * items)
  let unanswered = 0
  // Nothing changes between respondents for the unchanged model: it is asked once.
  let unchanged: AnswerDistributions | undefined
  const render = (system?: string) =>
    renderQuestions(model, heldOut.items, questionnaire.answerLabels, { system, orders, signal })
  meter.enter('answer')
  const questions = await render()

  const answer = async (persona: Persona): Promise<AnswerDistributions> => {
    const { system, ...steering } = compilePersona(persona, model)
    const asked = system === undefined ? questions : await render(system)
    return answerQuestions(model, asked, { ...steering, signal })
  }
  for (const [r, respondent] of respondents.entries()) {
    throwIfAborted(signal)
    meter.enter('optimisation')
    const persona = await method.align(respondent, meter.enter)
    meter.enter('answer')
    meter.addPersona(persona)
    const distributions: AnswerDistributions = (persona.kind === 'none' ? unchanged : undefined) ?? (await answer(persona))
    if (persona.kind === 'none') unchanged = distributions
    for (let i = 0; i < items; i++) {
      const probabilities = distributions.probabilities.subarray(i * 5, i * 5 + 5)
      answers[r * items + i] = argmaxAnswer(probabilities)
      medians[r * items + i] = medianAnswer(probabilities)
      expected[r * items + i] = expectedAnswer(probabilities)
      unanswered += distributions.unanswered[i]! / (respondents.length * items)
    }
    onProgress({ done: r + 1, total: respondents.length })
  }
  const { name: arm, regime, hyperparameters } = method
  return { arm, regime, answers, medians, expected, unanswered, hyperparameters, cost: await meter.finish(respondents.length) }
}
