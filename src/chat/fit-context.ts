/** @file The prompt of an answer: as many of the last turns as the context has room for. */
import { PalignError } from '../errors.ts'
import type { LanguageModel } from '../model/language-model.ts'
import type { Message } from '../model/messages.ts'
import { withPersonaPrompt } from '../persona/system-prompt.ts'
import { messagesOfTurns, type Turn } from './turn.ts'

export interface ContextRequest {
  readonly model: Pick<LanguageModel, 'render' | 'shape'>
  readonly turns: readonly Turn[]
  readonly prompt: string
  readonly system: string | undefined
  readonly personaPrompt: string | undefined
  /** Longest answer. */
  readonly maxTokens: number
}

export interface FittedContext {
  readonly tokens: readonly number[]
  /** Oldest turns without a place. */
  readonly leftOut: number
}

/** @throws PalignError `invalid-input` where the message alone is too long */
export async function fitContext(request: ContextRequest): Promise<FittedContext> {
  const { model, turns, prompt, system, personaPrompt, maxTokens } = request
  const { contextLength } = model.shape
  // An answer is kept room for, but never so much that a long limit would push out what was said.
  const most = contextLength - Math.min(maxTokens, Math.floor(contextLength / 4))
  const render = (leftOut: number) => {
    const said: Message[] = [...messagesOfTurns(turns.slice(leftOut)), { role: 'user', content: prompt }]
    return model.render(
      withPersonaPrompt(system === undefined ? said : [{ role: 'system', content: system }, ...said], personaPrompt),
    )
  }
  const whole = await render(0)
  if (whole.length <= most) return { tokens: whole, leftOut: 0 }
  // Too long without `low` turns; without `high` it is as short as it can be, or fits.
  let [low, high] = [0, turns.length]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((await render(middle)).length <= most) high = middle
    else low = middle
  }
  const tokens = high === 0 ? whole : await render(high)
  if (tokens.length < contextLength) return { tokens, leftOut: high }
  throw new PalignError(
    'invalid-input',
    `message has ${tokens.length} tokens with the prompts before it, the context holds ${contextLength}`,
    {
      hint: 'say it shorter, or in several messages',
    },
  )
}
