/** @file How the prompt of a persona and the system messages of a chat become one: the same rule in the server and in a chat. */
import { DEFAULT_SYSTEM_PROMPT } from '../items/question-form.ts'
import type { Message } from '../model/messages.ts'

/** The persona's prompt comes first; without one and without a system message the prompt that personas were found under. */
export function withPersonaPrompt(messages: readonly Message[], prompt: string | undefined): Message[] {
  const first = messages.findIndex(({ role }) => role !== 'system')
  const leading = messages.slice(0, first < 0 ? messages.length : first).map(({ content }) => content)
  const prompts = [...(prompt === undefined ? [] : [prompt]), ...leading]
  const system = prompts.length === 0 ? DEFAULT_SYSTEM_PROMPT : prompts.join('\n\n')
  return [{ role: 'system', content: system }, ...messages.slice(leading.length)]
}
