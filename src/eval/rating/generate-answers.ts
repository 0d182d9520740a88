/** @file Answers of every arm to every prompt, written by the model itself. */
import { throwIfAborted } from '../../errors.ts'
import type { LanguageModel, RunOptions, SamplingOptions } from '../../model/language-model.ts'
import type { Arm } from '../arm.ts'
import { armText } from '../arm-text.ts'
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
    for (const arm of arms) {
      throwIfAborted(signal)
      const text = await armText(model, arm, prompt, { ...sampling, seed: seed + place, signal })
      answers.push({ id, prompt, arm: arm.name, text, persona })
      onProgress?.({ done: answers.length, total })
    }
  }
  return answers
}
