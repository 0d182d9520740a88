/**
 * @file For `steered` of lm-evaluation-harness: module name -> what is added to the module's output. W_o (z + d) = W_o z + b, so the vector of layer l
 * is b = W_o d at the output of `layers.l.self_attn.o_proj` (names count from the base model, layers from 0): exact. The harness reads
 * these mappings from a pickled file, which palign does not write: ours is JSON whose vectors are names of tensors in a safetensors file.
 */
import { floatTensor } from '../formats/float-tensor.ts'
import { writeSafetensors } from '../formats/safetensors.ts'
import { outputBiases } from '../model/output-bias.ts'
import { assertMoves, assertVectorSource, type ExportFile, textFile, type VectorSource } from './export-file.ts'

export interface LmEvalSteering {
  /** Name of the tensor, `[hidden]`. */
  readonly steering_vector: string
  readonly steering_coefficient: number
  readonly action: 'add'
  /** Of the action `clamp` only. */
  readonly bias: null
  /** Null: the whole output of the module. */
  readonly head_index: null
}

export async function writeLmEval(source: VectorSource): Promise<ExportFile[]> {
  assertVectorSource(source)
  assertMoves(source)
  const { name, persona, displacement, shape, outputWeights } = source
  const biases = await outputBiases(displacement, shape, outputWeights)
  const hookOf = (layer: number) => `layers.${layer}.self_attn.o_proj`
  const mapping: Record<string, LmEvalSteering> = {}
  for (const layer of biases.keys()) {
    const steering_vector = hookOf(layer)
    mapping[hookOf(layer)] = { steering_vector, steering_coefficient: 1, action: 'add', bias: null, head_index: null }
  }
  const tensors = [...biases].map(([layer, b]) => floatTensor(hookOf(layer), [b.length], Float32Array.from(b)))
  const metadata = { 'palign.model': persona.model, 'palign.method': persona.method, 'palign.alpha': String(persona.alpha) }
  return [
    textFile(`${name}.lm-eval.json`, `${JSON.stringify(mapping, null, 2)}\n`),
    { name: `${name}.lm-eval.safetensors`, bytes: writeSafetensors({ tensors, metadata }) },
  ]
}
