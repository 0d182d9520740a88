/**
 * @file Proof at start that the runtime's kernels give the right gradients: a tiny Llama's gradient against numbers stored here. Providers
 * are known to return garbage from fused kernels without an error, and training on it would look like a bad recipe.
 */
import { PalignError } from '../errors.ts'
import { type LlamaConfig, modelShape, parseLlamaConfig } from '../graph/llama-config.ts'
import { requiredTensors } from '../graph/weights.ts'
import { gaussian, seededRandom } from '../math/random.ts'
import { likelihoodBatch } from './padded-batch.ts'
import { gradientName, LOSS } from './training-graph.ts'
import { type TrainingRuntime, trainingSessions } from './training-sessions.ts'

/** Rounding of single precision over a few hundred sums is below 1e-6 of the norm; a wrong kernel is off by far more. */
const TOLERANCE = 1e-4

/** Loss and norm of each tensor's gradient of `selfTestModel`, computed in double precision. */
export interface StoredGradient {
  readonly loss: number
  readonly norms: Readonly<Record<string, number>>
}

/** Grouped queries, tied embeddings, one layer: every kernel of a training graph. */
export function selfTestModel() {
  const config: LlamaConfig = parseLlamaConfig({
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: 8,
    intermediate_size: 12,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    vocab_size: 11,
    max_position_embeddings: 64,
    rms_norm_eps: 1e-5,
    rope_theta: 10_000,
    hidden_act: 'silu',
    tie_word_embeddings: true,
  })
  const random = seededRandom(1)
  const parameters = new Map(
    [...requiredTensors(config)].map(([name, shape]) => {
      const length = shape.reduce((product, size) => product * size, 1)
      const center = name.endsWith('norm.weight') ? 1 : 0
      return [name, Float32Array.from({ length }, () => center + 0.5 * gaussian(random))]
    }),
  )
  const rows = [
    { tokens: [1, 7, 3, 3, 10, 2], weights: [0, 1, 1, 0.5, 1, 1] },
    { tokens: [4, 9, 0, 5], weights: [0, 0, 1, 2] },
  ]
  return { config, parameters, rows }
}

/** @throws PalignError `engine-failed` where a gradient differs from the stored one */
export async function trainingSelfTest(runtime: TrainingRuntime, stored: StoredGradient = STORED): Promise<void> {
  const { config, parameters, rows } = selfTestModel()
  const sessions = trainingSessions({ config, shape: modelShape(config), runtime })
  try {
    const trained = { kind: 'all' } as const
    const outputs = await sessions.run({ batch: likelihoodBatch(rows), trained, loss: { kind: 'likelihood' }, parameters })
    check('loss', outputs.get(LOSS)![0]!, stored.loss)
    for (const [name, norm] of Object.entries(stored.norms)) {
      const gradient = outputs.get(gradientName(name))!
      check(`gradient of ${name}`, Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0)), norm)
    }
  } finally {
    await sessions.dispose()
  }
}

function check(what: string, found: number, expected: number): void {
  if (Math.abs(found - expected) <= TOLERANCE * Math.abs(expected)) return
  throw new PalignError('engine-failed', `self-test of training failed: ${what} has size ${found}, expected ${expected}`, {
    hint: 'this runtime cannot train; report its version and execution provider',
  })
}

const STORED: StoredGradient = {
  loss: 3.7032725269,
  norms: {
    'model.embed_tokens.weight': 3.71028361,
    'model.layers.0.input_layernorm.weight': 1.56564896,
    'model.layers.0.self_attn.q_proj.weight': 1.306444533,
    'model.layers.0.self_attn.k_proj.weight': 2.493583605,
    'model.layers.0.self_attn.v_proj.weight': 1.484249516,
    'model.layers.0.self_attn.o_proj.weight': 1.138507961,
    'model.layers.0.post_attention_layernorm.weight': 0.371609018,
    'model.layers.0.mlp.gate_proj.weight': 0.4946901416,
    'model.layers.0.mlp.up_proj.weight': 0.5249751944,
    'model.layers.0.mlp.down_proj.weight': 0.4166386324,
    'model.norm.weight': 1.021705526,
  },
}
