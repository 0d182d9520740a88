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
    // Which facet a statement is about, what a word says about that facet, and which letter stands for an answer: each is one look back, and
    // letters in two orders are learnt early or not at all.
    name: 'descriptions',
    documents: 47_000,
    mixture: [
      [5, { kind: 'described-list', items: 20, facets: 3 }],
      [1.5, { kind: 'key', items: 30 }],
      [2.7, { kind: 'facet-list', items: 16, facets: 1 }],
      [1, { kind: 'stated-questions', questions: 4 }],
    ],
    itemCorrelation: 1,
    learningRate: 0.002,
    finalFraction: 1,
  },
  {
    // What an earlier answer says: the statement before it has to be looked up as well. Then the letter for what was found.
    name: 'lists',
    documents: 71_000,
    mixture: [
      [10.5, { kind: 'described-list', items: 24, facets: 5 }],
      [29, { kind: 'facet-list', items: 24, facets: 2 }],
      [24, { kind: 'facet-list', items: 40, facets: 4 }],
      [12, { kind: 'facet-list', items: 60, facets: 8 }],
      [2.3, { kind: 'key', items: 30 }],
      [3.7, { kind: 'stated-questions', questions: 4 }],
      [6, { kind: 'described-questions', facets: 3, questions: 4, open: 1 }],
      [5, { kind: 'listed-questions', items: 24, facets: 2, questions: 4, open: 0, labelWeight: 1 }],
    ],
    itemCorrelation: 1,
    learningRate: 0.002,
    finalFraction: 0.5,
  },
  {
    // More facets at once, of people who contradict themselves a little.
    name: 'longer',
    documents: 33_000,
    mixture: [
      [5.9, { kind: 'described-list', items: 40, facets: 10 }],
      [8, { kind: 'facet-list', items: 60, facets: 8 }],
      [7.4, { kind: 'facet-list', items: 100, facets: 15 }],
      [3.4, { kind: 'described-questions', facets: 5, questions: 6, open: 1 }],
      [5.8, { kind: 'listed-questions', items: 60, facets: 6, questions: 6, open: 1, labelWeight: 1 }],
      [1.6, { kind: 'stated-questions', questions: 4 }],
      [1.7, { kind: 'default-questions', questions: 4, open: 1 }],
    ],
    itemCorrelation: 0.9,
    learningRate: 0.0015,
    finalFraction: 0.5,
  },
  {
    // Ordinary people, and the prompts that the model is asked with.
    name: 'people',
    documents: 53_000,
    mixture: [
      [9.1, { kind: 'known-questions', questions: 8, open: 1, labelWeight: 0.5 }],
      [3.6, { kind: 'listed-questions', items: 120, facets: 30, questions: 8, open: 1, labelWeight: 0.5 }],
      [4.9, { kind: 'facet-list', items: 100, facets: 15 }],
      [2.9, { kind: 'described-questions', facets: 30, questions: 6, open: 2 }],
      [2, { kind: 'described-questions', facets: 5, questions: 4, open: 2 }],
      [2.4, { kind: 'default-questions', questions: 6, open: 2 }],
      [4, { kind: 'filler', sentences: 4 }],
    ],
    learningRate: 0.001,
    finalFraction: 0.1,
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
