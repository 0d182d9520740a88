/** @file Records z at the answer letter of both sides of every contrast pair: once per model, shared by all persons. */
import { throwIfAborted } from '../errors.ts'
import type { LanguageModel, Progress } from '../model/language-model.ts'
import type { ActivationStore } from './activation-store.ts'
import type { ContrastPair } from './contrast-pairs.ts'
import { type ContrastSample, headActivations, type RecordedContrasts, recordedContrasts } from './head-activations.ts'

export interface RecordOptions {
  /** Asked first, and told what was recorded; default: nothing is kept. */
  readonly store?: ActivationStore | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** @returns two samples per pair, agreement first */
export async function recordContrasts(
  model: LanguageModel,
  pairs: readonly ContrastPair[],
  { store, signal, onProgress }: RecordOptions = {},
): Promise<RecordedContrasts> {
  const samples: ContrastSample[] = []
  const prompts: { tokens: number[] }[] = []
  for (const pair of pairs) {
    throwIfAborted(signal)
    for (const says of ['agreement', 'disagreement'] as const) {
      samples.push({ itemNumber: pair.itemNumber, order: pair.order, says })
      prompts.push({ tokens: await model.render(pair.messages, { continueWith: pair[says] }) })
    }
  }
  const key = { fingerprint: model.fingerprint, prompts }
  const kept = await store?.read(key)
  const values = kept ?? (await model.record(prompts, { signal, onProgress }))
  const activations = headActivations(values, model.shape)
  if (kept === undefined) await store?.write(key, activations)
  return recordedContrasts(samples, activations)
}
