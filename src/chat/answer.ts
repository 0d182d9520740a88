/** @file One answer as a stream of events. */
import { PalignError } from '../errors.ts'
import { DEFAULT_MAX_TOKENS, type LanguageModel, type SamplingOptions } from '../model/language-model.ts'
import { fitContext } from './fit-context.ts'
import type { PreparedSpeaker } from './speaker.ts'
import type { ChatEvent, ChatFinishReason, Turn } from './turn.ts'

export type ChatSettings = Pick<SamplingOptions, 'maxTokens' | 'temperature' | 'topP'>

export interface AnswerRequest extends Pick<Turn, 'prompt' | 'system' | 'seed' | 'attempt'> {
  readonly model: Pick<LanguageModel, 'render' | 'shape' | 'generate'>
  /** What was said before. */
  readonly turns: readonly Turn[]
  readonly speaker: PreparedSpeaker
  readonly settings: ChatSettings
  readonly signal?: AbortSignal | undefined
  /** Called once, before the finish is given out; not called for an answer that failed or was stopped before its first token. */
  keep(turn: Turn): void
}

export async function* answer(request: AnswerRequest): AsyncGenerator<ChatEvent, void, undefined> {
  const { model, turns, prompt, system, seed, attempt, speaker, settings, signal, keep } = request
  const { maxTokens = DEFAULT_MAX_TOKENS } = settings
  const { tokens, leftOut } = await fitContext({ model, turns, prompt, system, personaPrompt: speaker.prompt, maxTokens })
  if (leftOut > 0) yield { kind: 'trimmed', leftOut, of: turns.length }

  let reason: ChatFinishReason = 'stopped'
  let text = ''
  let generatedTokens = 0
  let failed = false
  const mark = speaker.modelMismatch ? ({ modelMismatch: true } as const) : {}
  const who = { persona: speaker.speaker.id, alpha: speaker.alpha, ...mark, seed }
  const usage = () => ({ promptTokens: tokens.length, generatedTokens })
  try {
    for await (const event of model.generate({ ...settings, ...speaker.steering, tokens, maxTokens, seed, signal })) {
      // What was computed before the engine heard the signal is not shown after it; the loop goes on until the engine has stopped.
      if (signal?.aborted) continue
      if (event.kind === 'token') {
        generatedTokens++
        text += event.text
        if (event.text !== '') yield { kind: 'token', text: event.text }
        continue
      }
      // What was held back: the beginning of a character, or of a stop text.
      const rest = event.text.startsWith(text) ? event.text.slice(text.length) : ''
      ;({ text, reason, generatedTokens } = event)
      if (rest !== '') yield { kind: 'token', text: rest }
    }
  } catch (error) {
    if (!(signal?.aborted && error instanceof PalignError && error.code === 'aborted')) {
      failed = true
      throw error
    }
  } finally {
    // Also where the listener left in the middle: what it has read was said.
    if (!failed && (reason !== 'stopped' || generatedTokens > 0)) {
      keep({ ...who, prompt, answer: text, reason, system, attempt, leftOut, usage: usage() })
    }
  }
  yield { kind: 'finish', ...who, reason, text, usage: usage() }
}
