/** @file An arm's greedy answer to a prompt, and how likely the unsteered model finds it. */
import { throwIfAborted } from '../errors.ts'
import type { LanguageModel } from '../model/language-model.ts'
import type { Arm } from './arm.ts'
import { messagesFor } from './arm-text.ts'

export interface GreedyAnswer {
  readonly text: string
  /** Generated; the token that ended the answer is not one of them. */
  readonly tokens: number
  /** Sum over the tokens under the unsteered model, after the same prompt, nats; 0 for no tokens. */
  readonly logLikelihood: number
  /** Cut at the most tokens, or where the context was full. */
  readonly cut: boolean
}

export interface GreedyAnswerOptions {
  readonly arm: Arm
  readonly maxTokens: number
  readonly signal?: AbortSignal | undefined
}

/** Whether something is added to the model; a prompt adds nothing. */
export function isSteered({ steering }: Pick<Arm, 'steering'>): boolean {
  return steering.displacement !== undefined || steering.adapter !== undefined
}

export async function greedyAnswer(
  model: LanguageModel,
  prompt: string,
  { arm, maxTokens, signal }: GreedyAnswerOptions,
): Promise<GreedyAnswer> {
  throwIfAborted(signal)
  const tokens = await model.render(messagesFor(arm, prompt))
  const generated: number[] = []
  let own = 0
  let text = ''
  let cut = false
  for await (const event of model.generate({ tokens, ...arm.steering, temperature: 0, topLogprobs: 0, maxTokens, signal })) {
    if (event.kind === 'token') {
      generated.push(event.token)
      own += event.logprob!
    } else {
      text = event.text
      cut = event.reason === 'length' || event.reason === 'context'
    }
  }
  // Of a model that nothing was added to, generating has already told it.
  const scored =
    isSteered(arm) && generated.length > 0 ? await model.score([{ tokens, continuations: [generated] }], { signal }) : []
  return { text, tokens: generated.length, logLikelihood: scored[0]?.[0] ?? own, cut }
}
