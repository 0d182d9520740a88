/** @file The recipe of the demo model: everything that decides what it becomes, as data. What each stage is for stands beside it. */
import type { DocumentKind } from './corpus.ts'

export interface Stage {
  readonly name: string
  /** Each is seen once. */
  readonly documents: number
  readonly mixture: readonly (readonly [share: number, kind: DocumentKind])[]
  /** Of the simulated people: 1 is somebody without contradictions, undefined an ordinary person. */
  readonly itemCorrelation?: number
  readonly learningRate: number
  readonly finalFraction: number
}

const STAGES: readonly Stage[] = [
  {
    // Which facet a statement is about, and what a word about that facet says: one look back, so it is learnt first.
    name: 'descriptions',
    documents: 46_000,
    mixture: [
      [4.5, { kind: 'described-list', items: 20, facets: 3 }],
      [1.5, { kind: 'key', items: 30 }],
      [2.5, { kind: 'facet-list', items: 16, facets: 1 }],
    ],
    itemCorrelation: 1,
    learningRate: 0.002,
    finalFraction: 1,
  },
  {
    // What an earlier answer says: the statement before it has to be looked up as well.
    name: 'lists',
    documents: 90_000,
    mixture: [
      [1, { kind: 'described-list', items: 24, facets: 5 }],
      [1, { kind: 'facet-list', items: 16, facets: 1 }],
      [3, { kind: 'facet-list', items: 24, facets: 2 }],
      [2.5, { kind: 'facet-list', items: 40, facets: 4 }],
      [1, { kind: 'facet-list', items: 60, facets: 8 }],
      [0.2, { kind: 'key', items: 30 }],
    ],
    itemCorrelation: 1,
    learningRate: 0.002,
    finalFraction: 0.5,
  },
]

export const RECIPE = {
  seed: 20261124,
  tokenizer: { wordTokens: 2000, tokens: 3400, minimumCount: 2 },
  model: {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: 128,
    intermediate_size: 256,
    num_hidden_layers: 4,
    num_attention_heads: 4,
    num_key_value_heads: 4,
    head_dim: 32,
    max_position_embeddings: 2048,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    hidden_act: 'silu',
    // Tied, tokens that are seldom a target are pushed together and can hardly be told apart as inputs.
    tie_word_embeddings: false,
    attention_bias: false,
    mlp_bias: false,
    bos_token_id: null,
    eos_token_id: 4,
    pad_token_id: 0,
    torch_dtype: 'float32',
  },
  /** Deviation of the first weights: near 1 / sqrt(width), so that heads look at different places from the start. */
  initialDeviation: 0.08,
  training: { tokensPerStep: 4096, batchTokens: 1024, warmupSteps: 20, weightDecay: 0.05, beta2: 0.98 },
  stages: STAGES,
} as const
