/** @file A chat as JSON: everything that is needed to see who said what, with which model, persona, strength and seed. */
import type { ChatState } from './chat-session.ts'

export function conversationJson({ turns, speaker, alpha, system, seed, settings, model }: ChatState): string {
  const conversation = {
    format: 'palign-conversation',
    version: 1,
    model,
    persona: speaker.id,
    alpha,
    system,
    seed,
    settings,
    turns,
  }
  return `${JSON.stringify(conversation, null, 2)}\n`
}
