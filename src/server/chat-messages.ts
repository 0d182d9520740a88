/** @file Messages of a request -> messages for the chat template, with the prompt of a persona. */
import { DEFAULT_SYSTEM_PROMPT } from '../items/question-form.ts'
import type { Message } from '../model/messages.ts'
import type { ChatRequest } from './chat-request.ts'

/** The persona's prompt comes first; without one and without a system message the prompt that personas were found under. */
export function messagesOf(messages: ChatRequest['messages'], system: string | undefined): Message[] {
  const plain = messages.map(
    ({ role, content }): Message => ({ role: role === 'developer' ? 'system' : role, content: textOf(content) }),
  )
  const first = plain.findIndex(({ role }) => role !== 'system')
  const leading = plain.slice(0, first < 0 ? plain.length : first).map(({ content }) => content)
  const prompts = [...(system === undefined ? [] : [system]), ...leading]
  const prompt = prompts.length === 0 ? DEFAULT_SYSTEM_PROMPT : prompts.join('\n\n')
  return [{ role: 'system', content: prompt }, ...plain.slice(leading.length)]
}

function textOf(content: ChatRequest['messages'][number]['content']): string {
  return typeof content === 'string' ? content : content.map(({ text }) => text).join('')
}
