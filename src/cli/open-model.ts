/** @file How commands load the model that their options name. */
import type { LanguageModel } from '../model/language-model.ts'
import type { Precision } from '../model/precision.ts'
import type { Device } from '../node/device-names.ts'
import { type LoadModelOptions, loadModel } from '../node/load-model.ts'
import { stage } from './output.ts'

export interface ModelOptions {
  readonly model: string
  readonly dtype?: Precision | undefined
  readonly device?: Device | undefined
}

/** Weights in another precision are made with a word about it, once. */
export async function openModel(
  { model, dtype, device }: ModelOptions,
  options: Pick<LoadModelOptions, 'batchLimits'> = {},
): Promise<LanguageModel> {
  let making: ReturnType<typeof stage> | undefined
  return loadModel(model, {
    ...options,
    dtype,
    device,
    onProgress(progress) {
      making ??= stage(`weights in ${dtype}`)
      making.update(progress)
      if (progress.done === progress.total) making.end()
    },
  })
}
