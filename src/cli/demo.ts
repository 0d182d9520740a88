/** @file `palign demo`: the whole path on the embedded model and one simulated person, in under a minute. */
import { fileURLToPath } from 'node:url'
import { alignPas, preparePas } from '../align/pas.ts'
import { answerQuestions, renderQuestions } from '../align/questions.ts'
import { type ComparedArm, type Comparison, compareArms, type MovedAnswer, mostMoved } from '../eval/before-after.ts'
import { ACCURACY_LABELS, IPIP_NEO_300 } from '../items/ipip-neo.ts'
import { splitItems } from '../items/item-split.ts'
import { statementOf } from '../items/question-form.ts'
import type { LanguageModel } from '../model/language-model.ts'
import { prepareToWrite } from '../node/atomic-write.ts'
import { loadModel } from '../node/load-model.ts'
import { packageVersion } from '../node/package-version.ts'
import { readPersona, writePersona } from '../node/persona-file.ts'
import type { Respondent } from '../people/respondent.ts'
import { simulateRespondents } from '../people/simulate.ts'
import type { StoredPersona } from '../persona/persona.ts'
import { compilePersona } from '../persona/persona.ts'
import { duration, interruptSignal, note, print, printJson, stage } from './output.ts'
import { profileLines, profileOf } from './profile.ts'

const DEMO_MODEL = fileURLToPath(new URL('../../models/respondent', import.meta.url))
const SHOWN_ITEMS = 3

interface DemoOptions {
  readonly seed: number
  readonly out: string
  readonly json?: boolean
}

export async function demo({ seed, out, json }: DemoOptions): Promise<void> {
  const started = performance.now()
  const signal = interruptSignal()
  await prepareToWrite(out)
  const respondent = simulateRespondents({ count: 1, seed, questionnaire: IPIP_NEO_300 })[0]!
  note(`one simulated person (seed ${seed}) who answered ${respondent.answers.byItem.size} of 300 items; model respondent`)
  const model = await loadModel(DEMO_MODEL)
  try {
    const persona = await findPersona(model, respondent, { seed, out, signal })
    const comparison = await ask(model, respondent, persona, signal)
    const alpha = persona.kind === 'steering' ? persona.alpha : 0
    const rows = compareArms(comparison)
    const moved = mostMoved(comparison, SHOWN_ITEMS)
    const seconds = (performance.now() - started) / 1000
    if (json) {
      const { fingerprint } = model
      printJson({
        seed,
        model: 'respondent',
        modelFingerprint: fingerprint,
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
    printComparison(rows, moved, alpha)
    print(`\npersona written to ${out} (${duration(seconds)})`)
    print('This model has a million and a half parameters and has met simulated people only: how well it does is')
    print('in the README, with the predictors that need no model.')
    print(`next: node dist/cli/main.js inspect ${out}`)
  } finally {
    await model.dispose()
  }
}

/** Aligns, writes the file and reads it back: what is shown afterwards is what the file does. */
async function findPersona(
  model: LanguageModel,
  respondent: Respondent,
  { seed, out, signal }: Pick<DemoOptions, 'seed' | 'out'> & { readonly signal: AbortSignal },
): Promise<StoredPersona> {
  const recording = stage('recording activations')
  const prepared = await preparePas(model, IPIP_NEO_300, splitItems().known, { signal, onProgress: recording.update })
  recording.end()
  const searching = stage('searching alpha')
  const source = { data: `simulated respondent, seed ${seed}`, version: packageVersion() }
  await writePersona(out, await alignPas(prepared, respondent, { seed, source, signal, onProgress: searching.update }))
  searching.end()
  return readPersona(out)
}

async function ask(
  model: LanguageModel,
  respondent: Respondent,
  persona: StoredPersona,
  signal: AbortSignal,
): Promise<Comparison> {
  const { known, heldOut } = splitItems()
  const asking = stage('asking 180 held-out items, before and after')
  const questions = await renderQuestions(model, heldOut.items, ACCURACY_LABELS, { signal })
  const before = await answerQuestions(model, questions, { signal })
  const { displacement, adapter } = compilePersona(persona, model)
  const after = await answerQuestions(model, questions, { displacement, adapter, signal })
  asking.end()
  return { respondent, known, heldOut, before, after }
}

function printComparison(rows: readonly ComparedArm[], moved: readonly MovedAnswer[], alpha: number): void {
  print('\nError on 180 items that nothing was fitted on, summed over five domains (lower is better):')
  print('                    median answer   whole distribution (ranked probability score)')
  for (const { arm, error, score } of rows)
    print(`  ${arm.padEnd(18)} ${error.toFixed(3).padStart(12)} ${score.toFixed(3).padStart(12)}`)
  if (alpha === 0) {
    print('\nNo strength helped on the known items: alpha is 0, the model is unchanged.')
    return
  }
  const percents = (probabilities: readonly number[]) =>
    probabilities.map((p) => `${(100 * p).toFixed(0).padStart(2)}%`).join(' ')
  print(`\nalpha ${alpha} sigma, chosen on known items. The three answers that changed most, probability of answers 1..5:`)
  for (const { item, answered, before, after } of moved) {
    print(`  ${percents(before)} -> ${percents(after)}   person ${answered ?? '-'}   ${statementOf(item)}`)
  }
}
