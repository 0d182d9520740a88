/** @file Messages of a request -> messages for the chat template, with the prompt of a persona. */
import type { Message } from '../model/messages.ts'
import { withPersonaPrompt } from '../persona/system-prompt.ts'
import type { ChatRequest } from './chat-request.ts'

export function messagesOf(messages: ChatRequest['messages'], system: string | undefined): Message[] {
  const plain = messages.map(
    ({ role, content }): Message => ({ role: role === 'developer' ? 'system' : role, content: textOf(content) }),
  )
  return withPersonaPrompt(plain, system)
}

function textOf(content: ChatRequest['messages'][number]['content']): string {
  return typeof content === 'string' ? content : content.map(({ text }) => text).join('')
}
