/** @file The tensors a Llama config needs, by the names and shapes of Hugging Face files, checked against what the files hold. */
import { PalignError } from '../errors.ts'
import { FLOAT_DTYPES, type FloatDtype, isFloatDtype } from '../formats/float-tensor.ts'
import type { OnnxTensor } from '../formats/onnx.ts'
import { type Bits, BLOCK, blockTensors, numbersName, scaleName } from '../formats/quantised-matrix.ts'
import type { SafetensorsHeader, TensorEntry } from '../formats/safetensors.ts'
import { type LinearModules, linearLayerOf } from '../model/adapter.ts'
import type { LlamaConfig } from './llama-config.ts'

/** One .safetensors file of a model; `name` is a plain file name. */
export interface WeightFile {
  readonly name: string
  readonly header: SafetensorsHeader
}

/** A tensor and the file it lies in. */
interface StoredEntry extends TensorEntry {
  readonly file: string
}

export interface FloatWeight extends StoredEntry {
  readonly kind: 'float'
  readonly dtype: FloatDtype
}

/** A matrix in blocks of few bits, two tensors of a file (`formats/quantised-matrix.ts`). */
export interface BlockWeight {
  readonly kind: 'blocks'
  readonly name: string
  /** `[out, in]` */
  readonly shape: readonly number[]
  readonly bits: Bits
  readonly numbers: StoredEntry
  readonly scale: StoredEntry
}

export type Weight = FloatWeight | BlockWeight

export type Weights = ReadonlyMap<string, Weight>

export const EMBEDDING = 'model.embed_tokens.weight'
export const FINAL_NORM = 'model.norm.weight'
export const OUTPUT = 'lm_head.weight'

/** Name prefix of a layer's tensors; layers count from 0. */
export function layerPrefix(layer: number): string {
  return `model.layers.${layer}`
}

/** Name of every tensor the config needs -> shape. Linear layers are `[out, in]`. */
export function requiredTensors(config: LlamaConfig): ReadonlyMap<string, readonly number[]> {
  const { hiddenSize, ffnSize, vocabSize, heads, kvHeads, headDim, inputBias, outputBias, ffnBias } = config
  const tensors = new Map<string, readonly number[]>()
  const linear = (name: string, out: number, input: number, bias: boolean) => {
    tensors.set(`${name}.weight`, [out, input])
    if (bias) tensors.set(`${name}.bias`, [out])
  }
  tensors.set(EMBEDDING, [vocabSize, hiddenSize])
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = layerPrefix(layer)
    tensors.set(`${prefix}.input_layernorm.weight`, [hiddenSize])
    linear(`${prefix}.self_attn.q_proj`, heads * headDim, hiddenSize, inputBias)
    linear(`${prefix}.self_attn.k_proj`, kvHeads * headDim, hiddenSize, inputBias)
    linear(`${prefix}.self_attn.v_proj`, kvHeads * headDim, hiddenSize, inputBias)
    linear(`${prefix}.self_attn.o_proj`, hiddenSize, heads * headDim, outputBias)
    if (config.headNorm) for (const name of ['q_norm', 'k_norm']) tensors.set(`${prefix}.self_attn.${name}.weight`, [headDim])
    tensors.set(`${prefix}.post_attention_layernorm.weight`, [hiddenSize])
    linear(`${prefix}.mlp.gate_proj`, ffnSize, hiddenSize, ffnBias)
    linear(`${prefix}.mlp.up_proj`, ffnSize, hiddenSize, ffnBias)
    linear(`${prefix}.mlp.down_proj`, hiddenSize, ffnSize, ffnBias)
  }
  tensors.set(FINAL_NORM, [hiddenSize])
  if (!config.tiedEmbeddings) tensors.set(OUTPUT, [vocabSize, hiddenSize])
  return tensors
}

const ONNX_TYPES = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const

/** A weight as a tensor of a graph: it stays in its file. */
export function storedTensor(weight: FloatWeight): OnnxTensor {
  return { name: weight.name, type: ONNX_TYPES[weight.dtype], shape: weight.shape, content: contentOf(weight) }
}

/** The bytes of a tensor, in its file. */
export function contentOf({ file, begin, end }: StoredEntry): OnnxTensor['content'] {
  return { kind: 'external', file, offset: begin, byteLength: end - begin }
}

/** @throws PalignError `unsupported-model` for weights that cannot be trained or changed, since they are in blocks */
export function assertFloat(weight: Weight): FloatWeight {
  if (weight.kind === 'float') return weight
  throw new PalignError('unsupported-model', `weights are quantised (${weight.name} has ${weight.bits} bits), expected floats`, {
    hint: 'use the model in f32, f16 or bf16 that they were made of',
  })
}

/** The linear layers of all layers, those that an adapter can adapt. */
export function linearModules(config: LlamaConfig): LinearModules {
  return new Map(
    [...requiredTensors(config)].flatMap(([name, [out, input]]) => {
      const module = name.replace(/\.weight$/, '')
      return module !== name && linearLayerOf(module) !== undefined ? [[module, { in: input!, out: out! }]] : []
    }),
  )
}

/**
 * Finds every tensor the config needs. Throws `unsupported-model` naming the first tensor that is missing, has another
 * shape, an element type other than F32, F16, BF16, lies in two files, or is not part of the computation we know
 * (ignoring it would be silently wrong).
 */
export function locateWeights(config: LlamaConfig, files: readonly WeightFile[]): Weights {
  const found = new Map<string, TensorEntry & { readonly file: string }>()
  for (const { name: file, header } of files) {
    for (const tensor of header.tensors) {
      if (found.has(tensor.name)) throw unfit(`tensor ${tensor.name} is in both ${found.get(tensor.name)?.file} and ${file}`)
      found.set(tensor.name, { ...tensor, file })
    }
  }
  const required = requiredTensors(config)
  const blocks = new Set([...required].flatMap(([name, shape]) => (shape.length === 2 ? blockTensors(name) : [])))
  for (const name of found.keys()) {
    if (!required.has(name) && !blocks.has(name) && !isRedundant(name, config)) {
      throw unfit(`tensor ${name.slice(0, 200)} is not part of the computation that the config describes`)
    }
  }
  return new Map([...required].map(([name, shape]) => [name, findWeight(name, shape, found)]))
}

function findWeight(name: string, shape: readonly number[], found: ReadonlyMap<string, StoredEntry>): Weight {
  const forms = [name, numbersName(name, 4), numbersName(name, 8)].filter((form) => found.has(form))
  if (forms.length === 0) throw unfit(`tensor ${name} is missing, expected shape [${shape}]`)
  if (forms.length > 1) throw unfit(`tensor ${name} is there more than once: ${forms.join(', ')}`)
  if (forms[0] !== name) return blockWeight(name, shape, forms[0] === numbersName(name, 4) ? 4 : 8, found)
  const weight = found.get(name)!
  const { dtype } = weight
  if (String(weight.shape) !== String(shape)) throw unfit(`tensor ${name} has shape [${weight.shape}], expected [${shape}]`)
  if (!isFloatDtype(dtype)) throw unfit(`tensor ${name} has dtype ${dtype}, expected one of ${FLOAT_DTYPES.join(', ')}`)
  return { kind: 'float', ...weight, dtype }
}

function blockWeight(name: string, shape: readonly number[], bits: Bits, found: ReadonlyMap<string, StoredEntry>): BlockWeight {
  const [out, width] = shape as [number, number]
  const expected = { numbers: [out, width / BLOCK, (BLOCK * bits) / 8], scale: [out, width / BLOCK] }
  const part = (partName: string, dtype: string, size: readonly number[]): StoredEntry => {
    const entry = found.get(partName)
    if (entry === undefined) throw unfit(`tensor ${partName} is missing, expected shape [${size}]`)
    if (entry.dtype === dtype && String(entry.shape) === String(size)) return entry
    throw unfit(`tensor ${partName} is ${entry.dtype} [${entry.shape}], expected ${dtype} [${size}]`)
  }
  const numbers = part(numbersName(name, bits), 'U8', expected.numbers)
  return { kind: 'blocks', name, shape, bits, numbers, scale: part(scaleName(name), 'F32', expected.scale) }
}

/** Tensors that say nothing new: rotary tables (a function of the config) and the copy of tied embeddings. */
function isRedundant(name: string, config: LlamaConfig): boolean {
  return name.endsWith('.rotary_emb.inv_freq') || (name === OUTPUT && config.tiedEmbeddings)
}

function unfit(message: string): PalignError {
  return new PalignError('unsupported-model', message, { hint: 'check that config.json and the weight files belong together' })
}
