/**
 * @file A GGUF model as a Hugging Face folder: its configuration, and for each tensor of the folder where its numbers come from and how they
 * are made. Floats stay as they are, Q4_0 and Q8_0 become blocks of 32 without loss, other quantised types become float32.
 */
import { PalignError } from '../errors.ts'
import type { ByteSource } from '../formats/byte-source.ts'
import { FLOAT_DTYPES } from '../formats/float-tensor.ts'
import { blocksOf32, dequantise, isReadable, READABLE_TYPES } from '../formats/ggml-blocks.ts'
import type { GgufHeader, GgufTensorEntry } from '../formats/gguf.ts'
import { blockEntries } from '../formats/quantised-matrix.ts'
import type { Dtype } from '../formats/safetensors.ts'
import { ggufConfig } from './gguf-config.ts'
import { huggingFaceName, ROPE_FACTORS } from './gguf-names.ts'
import { type LlamaConfig, parseLlamaConfig } from './llama-config.ts'
import { hasRotaryRows, reorderRotaryRows } from './rotary-rows.ts'
import { locateWeights, requiredTensors } from './weights.ts'

/** A tensor of the folder to be written. */
export interface ImportedTensor {
  readonly name: string
  readonly dtype: Dtype
  readonly shape: readonly number[]
  /** `undefined`: all zeros. */
  readonly source: ImportSource | undefined
}

export interface ImportSource {
  readonly tensor: GgufTensorEntry
  readonly rows: number
  /** Rows that only make sense together: those of a head where their order changes, else 1. */
  readonly rowsTogether: number
  /** Some rows in the file -> the same rows in the folder. */
  convert(bytes: Uint8Array, rows: number): Uint8Array
}

export interface ImportedModel {
  /** The object of config.json. */
  readonly json: Record<string, unknown>
  readonly tensors: readonly ImportedTensor[]
}

/**
 * Everything is checked before the first number is read: configuration, names, shapes and types of all tensors.
 * @throws PalignError `unsupported-model` for what we do not run, `malformed-file`
 */
export async function importGguf(source: ByteSource, { metadata, tensors }: GgufHeader): Promise<ImportedModel> {
  const json = ggufConfig({ metadata, tensors, ropeFactors: await readRopeFactors(source, tensors) })
  const config = parseLlamaConfig(json)
  const usesPairs = json.model_type === 'llama'
  const stored = tensors
    .filter(({ name }) => name !== ROPE_FACTORS)
    .flatMap((tensor) => importedTensors(tensor, { config, usesPairs }))
  const all = json.model_type === 'qwen2' ? stored : [...stored, ...missingBiases(config, stored)]
  // Nothing has a place yet; names, types and shapes are what is looked at.
  const header = { tensors: all.map(({ name, dtype, shape }) => ({ name, dtype, shape, begin: 0, end: 0 })), metadata: {} }
  locateWeights(config, [{ name: 'GGUF file', header }])
  return { json, tensors: all }
}

async function readRopeFactors(source: ByteSource, tensors: readonly GgufTensorEntry[]): Promise<readonly number[] | undefined> {
  const tensor = tensors.find(({ name }) => name === ROPE_FACTORS)
  if (tensor === undefined) return undefined
  if (tensor.type !== 'F32' || tensor.shape.length !== 1 || tensor.shape[0]! > 512) {
    throw unfit(`tensor ${ROPE_FACTORS} is ${tensor.type} [${tensor.shape}], expected F32 of at most 512 numbers`)
  }
  return Array.from(dequantise('F32', await source.slice(tensor.begin, tensor.end)))
}

function importedTensors(
  tensor: GgufTensorEntry,
  { config, usesPairs }: { readonly config: LlamaConfig; readonly usesPairs: boolean },
): ImportedTensor[] {
  const name = huggingFaceName(tensor.name)
  if (name === undefined) throw unfit(`tensor ${tensor.name} is not part of the computation that the GGUF file describes`)
  const reorder = usesPairs && hasRotaryRows(name)
  const { headDim } = config
  // Of a vector, a row is one number.
  const source = (convert: ImportSource['convert']): ImportSource => ({
    tensor,
    rows: tensor.shape[0]!,
    rowsTogether: reorder ? headDim : 1,
    convert: reorder ? (bytes, rows) => convert(reorderRotaryRows(bytes, { rows, headDim, to: 'halves' }), rows) : convert,
  })
  const { type, shape } = tensor
  if (shape.length > 2) throw unfit(`tensor ${tensor.name} has shape [${shape}], expected a matrix or a vector`)
  const float = FLOAT_DTYPES.find((dtype) => dtype === type)
  if (float !== undefined) return [{ name, dtype: float, shape, source: source((bytes) => bytes) }]
  if (!isReadable(type)) throw unfit(`tensor ${tensor.name} is of type ${type}, supported are ${READABLE_TYPES.join(', ')}`)
  if (shape.length === 1)
    return [
      {
        name,
        dtype: 'F32',
        shape,
        source: wholeVector(
          tensor,
          source((bytes) => bytes),
        ),
      },
    ]
  if (type !== 'Q4_0' && type !== 'Q8_0') {
    return [{ name, dtype: 'F32', shape, source: source((bytes) => bytesOf(dequantise(type, bytes))) }]
  }
  const [numbers, scale] = blockEntries(name, shape, type === 'Q4_0' ? 4 : 8)
  return [
    { ...numbers, source: source((bytes) => blocksOf32(type, bytes).numbers) },
    { ...scale, source: source((bytes) => bytesOf(blocksOf32(type, bytes).scale)) },
  ]
}

/** A vector in blocks is one row of them: norms are small, and no tool quantises the biases of q and k, whose order changes. */
function wholeVector(tensor: GgufTensorEntry, { rowsTogether }: ImportSource): ImportSource {
  const { type } = tensor
  if (rowsTogether !== 1 || !isReadable(type)) throw unfit(`tensor ${tensor.name} is of type ${type}, expected floats`)
  return { tensor, rows: 1, rowsTogether: 1, convert: (bytes) => bytesOf(dequantise(type, bytes)) }
}

/** A file may have one bias of a layer and not the others, which then are zero. */
function missingBiases(config: LlamaConfig, stored: readonly ImportedTensor[]): ImportedTensor[] {
  const names = new Set(stored.map(({ name }) => name))
  return [...requiredTensors(config)]
    .filter(([name]) => name.endsWith('.bias') && !names.has(name))
    .map(([name, shape]) => ({ name, dtype: 'F32', shape, source: undefined }))
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

function unfit(message: string): PalignError {
  return new PalignError('unsupported-model', message, { hint: 'use a file of the model in F16, BF16, Q8_0, Q4_0 or K-quants' })
}
