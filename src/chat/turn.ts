/** @file What was said and who answered it, and the events by which an answer arrives. */
import type { Message } from '../model/messages.ts'

/** `stopped`: by the signal, or because nobody listened on. The others are the model's own. */
export type ChatFinishReason = 'end-token' | 'stop' | 'length' | 'context' | 'stopped'

export interface ChatUsage {
  readonly promptTokens: number
  readonly generatedTokens: number
}

export interface Turn {
  readonly prompt: string
  readonly answer: string
  /** A stopped answer stays, as far as it went: it was read, and the model sees it too. */
  readonly reason: ChatFinishReason
  /** Id of the persona that answered; `none` is the base model. */
  readonly persona: string
  readonly alpha: number | undefined
  /** Present where the persona was fitted on another model. */
  readonly modelMismatch?: true
  /** System message beside the persona's own prompt. */
  readonly system: string | undefined
  readonly seed: number
  /** How often the prompt was answered anew before. */
  readonly attempt: number
  /** Oldest turns that the context had no room for. */
  readonly leftOut: number
  readonly usage: ChatUsage
}

/** Texts of tokens add up to the text of the finish, as far as the tokenizer never takes back what it gave. */
export type ChatEvent =
  | { readonly kind: 'trimmed'; readonly leftOut: number; readonly of: number }
  | { readonly kind: 'token'; readonly text: string }
  | (Pick<Turn, 'persona' | 'alpha' | 'modelMismatch' | 'seed' | 'reason' | 'usage'> & {
      readonly kind: 'finish'
      readonly text: string
    })

export function messagesOfTurns(turns: readonly Turn[]): Message[] {
  return turns.flatMap(({ prompt, answer }): Message[] => [
    { role: 'user', content: prompt },
    { role: 'assistant', content: answer },
  ])
}
