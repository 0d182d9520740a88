/** @file Where recorded activations are kept: once per model and set of prompts, shared by every person. */
import type { HeadActivations } from './head-activations.ts'

/** What activations were recorded of: the same model and the same tokens give the same activations. */
export interface RecordingKey {
  readonly fingerprint: string
  readonly prompts: readonly { readonly tokens: readonly number[] }[]
}

export interface ActivationStore {
  /** `[samples, layers, heads, headDim]`, as written. */
  read(key: RecordingKey): Promise<Float32Array | undefined>
  write(key: RecordingKey, activations: HeadActivations): Promise<void>
}
