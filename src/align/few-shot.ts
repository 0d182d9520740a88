/** @file Method `few-shot`: the person's known answers in the system prompt, as answers to the wording. */
import type { KnownItems } from '../items/item-split.ts'
import { statementOf } from '../items/question-form.ts'
import type { Respondent } from '../people/respondent.ts'
import type { Persona } from '../persona/persona.ts'

/** Missing answers leave no line. */
export function fewShotPrompt(respondent: Respondent, known: KnownItems): string {
  const lines = known.items.flatMap((item) => {
    const answer = respondent.answers.byItem.get(item.itemNumber)
    if (answer === undefined) return []
    return [`${statementOf(item)}: ${respondent.questionnaire.answerLabels[answer - 1]}`]
  })
  return `Here are some of your behaviors and your level of recognition towards them; ${lines.join('; ')}`
}

export function alignFewShot(respondent: Respondent, known: KnownItems): Persona {
  return { kind: 'prompt', method: 'few-shot', system: fewShotPrompt(respondent, known) }
}
