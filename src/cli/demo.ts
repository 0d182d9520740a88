/** @file `palign demo`: the whole path on the embedded model and one simulated person, in under a minute. */
import { fileURLToPath } from 'node:url'
import { alignPas, preparePas } from '../align/pas.ts'
import { answerQuestions, renderQuestions } from '../align/questions.ts'
import { correctedErrors, meanErrors } from '../eval/alignment-error.ts'
import { answerTable } from '../eval/answer-table.ts'
import { floors, populationOf, roundedWorded } from '../eval/floors.ts'
import { expectedAnswer, medianAnswer } from '../items/answer-distribution.ts'
import { ACCURACY_LABELS, IPIP_NEO_300 } from '../items/ipip-neo.ts'
import { splitItems } from '../items/item-split.ts'
import { statementOf } from '../items/question-form.ts'
import type { Answer } from '../items/questionnaire.ts'
import { loadModel } from '../node/load-model.ts'
import { packageVersion } from '../node/package-version.ts'
import { readPersona, writePersona } from '../node/persona-file.ts'
import { simulateRespondents } from '../people/simulate.ts'
import { compilePersona } from '../persona/persona.ts'
import { duration, interruptSignal, note, print, printJson, stage } from './output.ts'
import { profileLines, profileOf } from './profile.ts'

const DEMO_MODEL = fileURLToPath(new URL('../../models/respondent-1m', import.meta.url))
/** Floors of the demo: those that need no other people. */
const SHOWN_FLOORS = ['constant-3', 'own-facet', 'own-facet-trait']
const SHOWN_ITEMS = 3

export async function demo({
  seed,
  out,
  json,
}: {
  readonly seed: number
  readonly out: string
  readonly json?: boolean
}): Promise<void> {
  const started = performance.now()
  const signal = interruptSignal()
  const respondent = simulateRespondents({ count: 1, seed, questionnaire: IPIP_NEO_300 })[0]!
  const { known, heldOut } = splitItems()
  const model = await loadModel(DEMO_MODEL)
  try {
    note(
      `one simulated person (seed ${seed}), model respondent-1m; the person answered ${respondent.answers.byItem.size} of 300 items`,
    )
    const recording = stage('recording activations')
    const prepared = await preparePas(model, IPIP_NEO_300, known, { signal, onProgress: recording.update })
    recording.end()
    const searching = stage('searching alpha')
    const source = { data: `simulated respondent, seed ${seed}`, version: packageVersion() }
    await writePersona(out, await alignPas(prepared, respondent, { seed, source, signal, onProgress: searching.update }))
    searching.end()

    // What is shown is what the written file does.
    const persona = await readPersona(out)
    const { displacement } = compilePersona(persona, model)
    const asking = stage('asking 180 held-out items, before and after')
    const questions = await renderQuestions(model, heldOut.items, ACCURACY_LABELS, { signal })
    const before = await answerQuestions(model, questions, { signal })
    const after = await answerQuestions(model, questions, { displacement, signal })
    asking.end()

    const truth = answerTable([respondent], heldOut.items)
    const error = (predictions: ArrayLike<number>) => meanErrors(correctedErrors(predictions, truth)).sum
    const medians = (probabilities: Float32Array) =>
      heldOut.items.map((_, i) => medianAnswer(probabilities.subarray(i * 5, i * 5 + 5)))
    const population = populationOf([respondent], known, heldOut)
    const rows = [
      { arm: 'unchanged', error: error(medians(before.probabilities)), expected: expectedError(before.probabilities, truth) },
      { arm: 'pas', error: error(medians(after.probabilities)), expected: expectedError(after.probabilities, truth) },
      ...floors()
        .filter(({ arm }) => SHOWN_FLOORS.includes(arm))
        .map(({ arm, predict }) => ({
          arm,
          error: error(roundedWorded(predict(population), heldOut.items)),
          expected: undefined,
        })),
    ]
    const moved = heldOut.items
      .map((item, i) => ({
        itemNumber: item.itemNumber,
        statement: statementOf(item),
        person: respondent.answers.byItem.get(item.itemNumber) as Answer,
        before: expectedAnswer(before.probabilities.subarray(i * 5, i * 5 + 5)),
        after: expectedAnswer(after.probabilities.subarray(i * 5, i * 5 + 5)),
      }))
      .sort((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before))
      .slice(0, SHOWN_ITEMS)
    const seconds = (performance.now() - started) / 1000
    const alpha = persona.kind === 'steering' ? persona.alpha : 0
    if (json) {
      printJson({
        seed,
        model: 'respondent-1m',
        modelFingerprint: model.fingerprint,
        persona: out,
        alpha,
        rows,
        moved,
        seconds,
        profile: profileOf(respondent),
      })
      return
    }
    for (const line of profileLines({ ...profileOf(respondent), facets: [] })) print(line)
    print('')
    print('Sum of five mean absolute errors on 180 items that nothing was fitted on (lower is better):')
    print('                    median answer   mean answer')
    for (const { arm, error, expected } of rows)
      print(`  ${arm.padEnd(18)} ${error.toFixed(3).padStart(12)} ${(expected?.toFixed(3) ?? '').padStart(13)}`)
    print('')
    print(
      alpha === 0
        ? 'No strength helped on the known items: alpha is 0, the model is unchanged.'
        : `alpha ${alpha} sigma. The three answers that moved most (1 very inaccurate .. 5 very accurate):`,
    )
    if (alpha !== 0)
      for (const m of moved) print(`  ${m.before.toFixed(2)} -> ${m.after.toFixed(2)}  (the person: ${m.person})  ${m.statement}`)
    print('')
    print(`persona written to ${out} (${duration(seconds)})`)
    print(
      'This model has a million parameters and knows little more than the form of the questionnaire: small effects are all it can show.',
    )
    print(`next: node dist/cli/main.js inspect ${out}`)
  } finally {
    await model.dispose()
  }
}

/** The same error with the mean of each distribution instead of a whole answer: it shows movement that changes no whole answer. */
function expectedError(probabilities: Float32Array, truth: ReturnType<typeof answerTable>): number {
  const means = truth.items.map((_, i) => expectedAnswer(probabilities.subarray(i * 5, i * 5 + 5)))
  return meanErrors(correctedErrors(means, truth)).sum
}
