/** @file A random float32 model of the shape of SmolLM-135M, opened on onnxruntime-node: what the benchmarks run. */
import { type ModelFiles, nodeRuntime, type OrtRuntime } from '../test/engine/open-model.ts'
import { configJson, randomModel } from '../test/fixtures/random-model.ts'

export interface BenchModel {
  readonly files: ModelFiles
  readonly runtime: OrtRuntime
}

export function model135m(): BenchModel {
  const json = configJson({
    hidden_size: 576,
    intermediate_size: 1536,
    num_hidden_layers: 30,
    num_attention_heads: 9,
    num_key_value_heads: 3,
    head_dim: 64,
    vocab_size: 49_152,
    max_position_embeddings: 2048,
    tie_word_embeddings: true,
  })
  const files = randomModel({ json })
  return { files, runtime: nodeRuntime(files, { intraOpNumThreads: 2 }) }
}
