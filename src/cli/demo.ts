/** @file `palign demo`: the whole path on the embedded model and one simulated person, in under a minute. */
import { fileURLToPath } from 'node:url'
import { alignPas, preparePas } from '../align/pas.ts'
import { answerQuestions, renderQuestions } from '../align/questions.ts'
import { correctedErrors, meanErrors } from '../eval/alignment-error.ts'
import { answerTable } from '../eval/answer-table.ts'
import { floors, populationOf, roundedWorded } from '../eval/floors.ts'
import { medianAnswer, rankedProbabilityScore } from '../items/answer-distribution.ts'
import { ACCURACY_LABELS, DOMAINS, IPIP_NEO_300 } from '../items/ipip-neo.ts'
import { type HeldOutItems, type KnownItems, splitItems } from '../items/item-split.ts'
import { statementOf } from '../items/question-form.ts'
import { loadModel } from '../node/load-model.ts'
import { packageVersion } from '../node/package-version.ts'
import { readPersona, writePersona } from '../node/persona-file.ts'
import type { Respondent } from '../people/respondent.ts'
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

    const rows = [
      { arm: 'unchanged', ...scoresOf(before.probabilities, respondent, heldOut) },
      { arm: 'pas', ...scoresOf(after.probabilities, respondent, heldOut) },
      ...floorScores(respondent, known, heldOut),
    ]
    const moved = mostMoved(before.probabilities, after.probabilities, heldOut).map(({ item, ...distributions }) => ({
      itemNumber: item.itemNumber,
      statement: statementOf(item),
      person: respondent.answers.byItem.get(item.itemNumber),
      ...distributions,
    }))
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
    print('Error on 180 items that nothing was fitted on, summed over five domains (lower is better):')
    print('                    median answer   whole distribution (ranked probability score)')
    for (const { arm, error, score } of rows)
      print(`  ${arm.padEnd(18)} ${error.toFixed(3).padStart(12)} ${score.toFixed(3).padStart(12)}`)
    print('')
    if (alpha === 0) print('No strength helped on the known items: alpha is 0, the model is unchanged.')
    else {
      print(`alpha ${alpha} sigma, chosen on known items. The three answers that changed most, probability of answers 1..5:`)
      for (const m of moved) print(`  ${percents(m.before)} -> ${percents(m.after)}   person ${m.person}   ${m.statement}`)
    }
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

interface DemoScores {
  /** Corrected error, sum of five domains. */
  readonly error: number
  /** Mean ranked probability score of each domain, summed; of a certain answer it is the absolute error. */
  readonly score: number
}

function scoresOf(probabilities: Float32Array, respondent: Respondent, heldOut: HeldOutItems): DemoScores {
  const truth = answerTable([respondent], heldOut.items)
  const medians = heldOut.items.map((_, i) => medianAnswer(row(probabilities, i)))
  const score = DOMAINS.reduce((sum, domain) => {
    const scores = heldOut.items.flatMap(({ itemNumber, domain: own }, i) => {
      const answer = respondent.answers.byItem.get(itemNumber)
      return own === domain && answer !== undefined ? [rankedProbabilityScore(row(probabilities, i), answer)] : []
    })
    return sum + scores.reduce((a, b) => a + b, 0) / scores.length
  }, 0)
  return { error: meanErrors(correctedErrors(medians, truth)).sum, score }
}

function floorScores(respondent: Respondent, known: KnownItems, heldOut: HeldOutItems): (DemoScores & { arm: string })[] {
  const population = populationOf([respondent], known, heldOut)
  return floors()
    .filter(({ arm }) => SHOWN_FLOORS.includes(arm))
    .map(({ arm, predict }) => {
      const predictions = roundedWorded(predict(population), heldOut.items)
      const certain = new Float32Array(predictions.length * 5)
      for (const [i, answer] of predictions.entries()) certain[i * 5 + answer - 1] = 1
      return { arm, ...scoresOf(certain, respondent, heldOut) }
    })
}

/** The items whose distributions differ most in total variation. */
function mostMoved(before: Float32Array, after: Float32Array, { items }: HeldOutItems) {
  const variation = (i: number) => row(before, i).reduce((sum, p, k) => sum + Math.abs(p - row(after, i)[k]!) / 2, 0)
  return items
    .map((item, i) => ({ item, before: [...row(before, i)], after: [...row(after, i)], variation: variation(i) }))
    .sort((a, b) => b.variation - a.variation)
    .slice(0, SHOWN_ITEMS)
}

const row = (probabilities: Float32Array, i: number) => probabilities.subarray(i * 5, i * 5 + 5)
const percents = (probabilities: readonly number[]) => probabilities.map((p) => `${(100 * p).toFixed(0).padStart(2)}%`).join(' ')
