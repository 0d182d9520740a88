/** @file Method `personality-prompt` (P2): a description of the person, given as text, is the system prompt. */
import { PalignError } from '../errors.ts'
import type { Respondent } from '../people/respondent.ts'
import type { PromptPersona } from '../persona/persona.ts'

/** @param descriptions one text per row of the file the respondents came from */
export function alignPersonalityPrompt(respondent: Respondent, descriptions: readonly string[]): PromptPersona {
  const system = descriptions[respondent.row]?.trim()
  if (system === undefined || system === '') {
    throw new PalignError(
      'invalid-input',
      `descriptions have no text for row ${respondent.row}; ${descriptions.length} were given`,
      {
        hint: 'give one description per person, in the order of the answers file',
      },
    )
  }
  return { kind: 'prompt', method: 'personality-prompt', system }
}
