/** @file What an arm writes when it is asked something. */
import { DEFAULT_SYSTEM_PROMPT } from '../items/question-form.ts'
import type { LanguageModel, SamplingOptions } from '../model/language-model.ts'
import type { Message } from '../model/messages.ts'
import type { Arm } from './arm.ts'

/** The chat as `palign generate` puts it. */
export function messagesFor({ system }: Pick<Arm, 'system'>, prompt: string): Message[] {
  return [
    { role: 'system', content: system ?? DEFAULT_SYSTEM_PROMPT },
    { role: 'user', content: prompt },
  ]
}

/** Without white space around it. */
export async function armText(
  model: Pick<LanguageModel, 'generate'>,
  arm: Arm,
  prompt: string,
  options: SamplingOptions & { readonly signal?: AbortSignal | undefined },
): Promise<string> {
  let text = ''
  for await (const event of model.generate({ messages: messagesFor(arm, prompt), ...arm.steering, ...options })) {
    if (event.kind === 'finish') text = event.text
  }
  return text.trim()
}
