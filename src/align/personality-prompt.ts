/** @file Method `personality-prompt` (P2): a description of the person, given as text, is the system prompt. */
import { PalignError } from '../errors.ts'
import type { KnownItems } from '../items/item-split.ts'
import type { Respondent } from '../people/respondent.ts'
import type { PromptPersona } from '../persona/persona.ts'
import { describeRespondent } from './description.ts'

/** Where descriptions come from: one text per row of the file the respondents came from; absent: written from the known answers. */
export type Descriptions = readonly string[] | undefined

/** @throws PalignError `invalid-input` where no text was given for the person, `too-few-answers` where none can be written */
export function personalityPrompt(respondent: Respondent, known: KnownItems, descriptions: Descriptions): string {
  const text = descriptions === undefined ? describeRespondent(respondent, known) : descriptions[respondent.row]?.trim()
  if (text !== undefined && text !== '') return text
  if (descriptions === undefined) {
    throw new PalignError('too-few-answers', `respondent in row ${respondent.row} answered no known item that could be described`)
  }
  throw new PalignError(
    'invalid-input',
    `descriptions have no text for row ${respondent.row}; ${descriptions.length} were given`,
    { hint: 'give one description per person, in the order of the answers file' },
  )
}

export function alignPersonalityPrompt(respondent: Respondent, known: KnownItems, descriptions?: Descriptions): PromptPersona {
  return { kind: 'prompt', method: 'personality-prompt', system: personalityPrompt(respondent, known, descriptions) }
}
