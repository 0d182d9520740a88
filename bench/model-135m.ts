/** @file A random float32 model of the shape of SmolLM-135M, opened on onnxruntime-node: what the benchmarks run. */
import { type ModelFiles, nodeRuntime, type OrtRuntime } from '../test/engine/open-model.ts'
import { configJson, randomModel } from '../test/fixtures/random-model.ts'

export interface BenchModel {
  readonly files: ModelFiles
  readonly runtime: OrtRuntime
}

export function model135m(): BenchModel {
  const files = randomModel({ json: json135m({ vocab_size: 49_152 }) })
  return { files, runtime: nodeRuntime(files, { intraOpNumThreads: 2 }) }
}

/** config.json of that shape. */
export function json135m(overrides: { readonly vocab_size: number }): Record<string, unknown> {
  return configJson({
    hidden_size: 576,
    intermediate_size: 1536,
    num_hidden_layers: 30,
    num_attention_heads: 9,
    num_key_value_heads: 3,
    head_dim: 64,
    max_position_embeddings: 2048,
    tie_word_embeddings: true,
    ...overrides,
  })
}
