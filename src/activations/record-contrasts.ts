/** @file Records z at the answer letter of both sides of every contrast pair: once per model, shared by all persons. */
import { throwIfAborted } from '../errors.ts'
import type { LanguageModel, Progress } from '../model/language-model.ts'
import type { ContrastPair } from './contrast-pairs.ts'
import type { ContrastSample, RecordedContrasts } from './head-activations.ts'

/** @returns two samples per pair, agreement first */
export async function recordContrasts(
  model: LanguageModel,
  pairs: readonly ContrastPair[],
  options: { readonly signal?: AbortSignal | undefined; readonly onProgress?: ((progress: Progress) => void) | undefined } = {},
): Promise<RecordedContrasts> {
  const samples: ContrastSample[] = []
  const prompts: { tokens: number[] }[] = []
  for (const pair of pairs) {
    throwIfAborted(options.signal)
    for (const says of ['agreement', 'disagreement'] as const) {
      samples.push({ itemNumber: pair.itemNumber, order: pair.order, says })
      prompts.push({ tokens: await model.render(pair.messages, { continueWith: pair[says] }) })
    }
  }
  const values = await model.record(prompts, options)
  const { layers, heads, headDim } = model.shape
  return { samples, activations: { values, samples: samples.length, layers, heads, headDim } }
}
