/** @file Answers of every arm to every prompt, written by the model itself. */
import { throwIfAborted } from '../../errors.ts'
import { DEFAULT_SYSTEM_PROMPT } from '../../items/question-form.ts'
import type { LanguageModel, RunOptions, SamplingOptions } from '../../model/language-model.ts'
import type { Arm } from '../arm.ts'
import type { Answer, RatingPrompt } from './answers.ts'

export interface GenerateAnswersOptions extends Pick<RunOptions, 'signal' | 'onProgress'>, Omit<SamplingOptions, 'seed'> {
  readonly model: Pick<LanguageModel, 'generate'>
  readonly arms: readonly Arm[]
  readonly prompts: readonly RatingPrompt[]
  /** The place of the prompt is added, so that prompts are sampled apart and arms alike. */
  readonly seed: number
}

export async function generateAnswers({
  model,
  arms,
  prompts,
  seed,
  signal,
  onProgress,
  ...sampling
}: GenerateAnswersOptions): Promise<Answer[]> {
  const answers: Answer[] = []
  const total = prompts.length * arms.length
  for (const [place, { id, prompt, persona }] of prompts.entries()) {
    for (const { name, system, steering } of arms) {
      throwIfAborted(signal)
      const messages = [
        { role: 'system', content: system ?? DEFAULT_SYSTEM_PROMPT },
        { role: 'user', content: prompt },
      ] as const
      for await (const event of model.generate({ messages, ...steering, ...sampling, seed: seed + place, signal })) {
        if (event.kind === 'finish') answers.push({ id, prompt, arm: name, text: event.text.trim(), persona })
      }
      onProgress?.({ done: answers.length, total })
    }
  }
  return answers
}
