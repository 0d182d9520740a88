/**
 * @file LoRA adapters as PEFT (the Python library) stores them: adapter_config.json, and tensors named
 * `base_model.model.` + module + `.lora_A.weight` `[rank, in]` and `.lora_B.weight` `[out, rank]`. What we could not apply exactly is
 * refused by name: a field ignored here would be an adapter silently wrong.
 */
import { PalignError } from '../errors.ts'
import type { ByteSource } from '../formats/byte-source.ts'
import { floatTensor, readFloats } from '../formats/float-tensor.ts'
import { readSafetensorsHeader, SMALL_HEADER_BYTES, type TensorEntry, writeSafetensors } from '../formats/safetensors.ts'
import { type JsonValue, parseStrictJson } from '../formats/strict-json.ts'
import {
  type Adapter,
  LINEAR_LAYERS,
  type LinearLayer,
  type LowRankPair,
  linearLayerOf,
  orderedTargets,
} from '../model/adapter.ts'

/** What palign says of an adapter beyond the format, in the metadata of the tensor file; other tools leave it be. */
export interface AdapterOrigin {
  /** Fingerprint of the model it was trained on. */
  readonly model: string | undefined
  readonly method: string | undefined
}

export interface PeftAdapter {
  readonly adapter: Adapter
  /** `base_model_name_or_path`: a name for people, believed of nothing. */
  readonly base: string | undefined
  readonly origin: AdapterOrigin
}

export interface PeftFiles {
  readonly config: string
  readonly tensors: Uint8Array
}

const MAX_RANK = 4096
const PREFIX = 'base_model.model.'
const MODULE = /^model\.layers\.(0|[1-9][0-9]{0,3})\.(self_attn|mlp)\.[a-z_]+$/
const METADATA = { model: 'palign.model', method: 'palign.method' } as const

/** Fields that change nothing in what a trained adapter computes, or nothing that its tensors do not show, whatever they hold. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  'auto_mapping',
  'base_model_name_or_path',
  'ensure_weight_tying',
  'inference_mode',
  'layers_pattern',
  'loftq_config',
  'eva_config',
  'exclude_modules',
  'corda_config',
  'lora_dropout',
  'megatron_core',
  'peft_version',
  'qalora_group_size',
  'revision',
  'runtime_config',
])
/** Ways to begin that leave the base weights as they are; the others (pissa, olora, corda, loftq) train on changed ones. */
const HARMLESS_INITS: readonly JsonValue[] = [true, false, 'gaussian', 'orthogonal', 'eva']

/** The two files of a PEFT folder; tensors as F32. */
export function writePeft(
  { adapter, base, origin }: PeftAdapter,
  { dropout = 0 }: { readonly dropout?: number | undefined } = {},
): PeftFiles {
  const { rank, alpha, targets, pairs } = adapter
  const config = {
    alpha_pattern: {},
    auto_mapping: null,
    base_model_name_or_path: base ?? null,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    layers_pattern: null,
    layers_to_transform: null,
    lora_alpha: alpha,
    lora_dropout: dropout,
    modules_to_save: null,
    peft_type: 'LORA',
    r: rank,
    rank_pattern: {},
    revision: null,
    target_modules: orderedTargets(targets),
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: false,
  }
  const tensors = [...pairs].flatMap(([module, { a, b }]) => [
    floatTensor(`${PREFIX}${module}.lora_A.weight`, [rank, a.length / rank], a),
    floatTensor(`${PREFIX}${module}.lora_B.weight`, [b.length / rank, rank], b),
  ])
  const said = Object.entries(METADATA).flatMap(([field, key]) => {
    const value = origin[field as keyof AdapterOrigin]
    return value === undefined ? [] : [[key, value]]
  })
  return {
    config: `${JSON.stringify(config, null, 2)}\n`,
    tensors: writeSafetensors({ tensors, metadata: { format: 'pt', ...Object.fromEntries(said) } }),
  }
}

/**
 * Tensors may be F32, F16 or BF16. Whether the adapter fits a model is seen when it is applied (`assertAdapter`).
 * @param config the text of adapter_config.json
 * @throws PalignError `malformed-file`, `non-finite`; `incompatible-persona` for adapters of a kind that we cannot apply exactly
 */
export async function readPeft(config: string, tensors: ByteSource): Promise<PeftAdapter> {
  const { rank, alpha, declared, base } = readConfig(parseStrictJson(config, 'adapter_config.json'))
  const { tensors: entries, metadata } = await readSafetensorsHeader(tensors, { mostHeaderBytes: SMALL_HEADER_BYTES })
  const pairs = await readPairs(tensors, entries, rank)
  const targets = checkTargets([...pairs.keys()], declared)
  const origin = { model: metadata[METADATA.model], method: metadata[METADATA.method] }
  return { adapter: { rank, alpha, targets, pairs }, base, origin }
}

interface ConfigFields {
  readonly rank: number
  readonly alpha: number
  /** The targets that the file lists; undefined where it has a pattern, which the tensors settle. */
  readonly declared: readonly LinearLayer[] | undefined
  readonly base: string | undefined
}

function readConfig(json: JsonValue): ConfigFields {
  if (json === null || typeof json !== 'object' || Array.isArray(json)) throw malformed('adapter_config.json is not an object')
  const {
    peft_type: type,
    r: rank = null,
    lora_alpha: alpha = null,
    target_modules: modules = null,
    task_type: task = null,
    bias = 'none',
    init_lora_weights: init = true,
    use_rslora: rootScaled = false,
    base_model_name_or_path: base = null,
    ...others
  } = json
  if (type !== 'LORA') throw unsupported(`adapter is of type ${shown(type)}, supported is LORA`)
  if (task !== null && task !== 'CAUSAL_LM') throw unsupported(`adapter is for task ${shown(task)}, supported is CAUSAL_LM`)
  if (bias !== 'none') throw unsupported(`adapter has bias ${shown(bias)}, supported is none`)
  if (!HARMLESS_INITS.includes(init)) {
    throw unsupported(`adapter has init_lora_weights ${shown(init)}, which changes the base model`)
  }
  for (const [field, value] of Object.entries(others)) {
    if (!WITHOUT_EFFECT.has(field) && !isOff(value)) {
      throw unsupported(`adapter has ${shown(field)} set, which palign cannot apply exactly`)
    }
  }
  if (typeof rank !== 'number' || !Number.isInteger(rank) || rank < 1 || rank > MAX_RANK) {
    throw malformed(`adapter_config.json has r ${shown(rank)}, expected a whole number from 1 to ${MAX_RANK}`)
  }
  if (typeof alpha !== 'number') throw malformed(`adapter_config.json has lora_alpha ${shown(alpha)}, expected a number`)
  if (typeof rootScaled !== 'boolean')
    throw malformed(`adapter_config.json has use_rslora ${shown(rootScaled)}, expected true or false`)
  // rsLoRA (Kalajdzievski 2023, arXiv 2312.03732) multiplies by alpha / sqrt(rank): the same update under another alpha.
  const effective = rootScaled ? alpha * Math.sqrt(rank) : alpha
  return { rank, alpha: effective, declared: readTargets(modules), base: typeof base === 'string' ? base : undefined }
}

/** Null, false, and empty lists and objects. */
function isOff(value: JsonValue): boolean {
  return value === null || value === false || (typeof value === 'object' && Object.keys(value).length === 0)
}

function readTargets(modules: JsonValue): readonly LinearLayer[] | undefined {
  if (modules === 'all-linear') return LINEAR_LAYERS
  if (typeof modules === 'string') return undefined
  if (!Array.isArray(modules) || modules.length === 0) {
    throw malformed('adapter_config.json has target_modules that are neither a list nor a text')
  }
  return modules.map((name) => {
    const layer = typeof name === 'string' ? linearLayerOf(name) : undefined
    if (layer === undefined) {
      throw unsupported(`adapter targets ${shown(name)}, supported are ${LINEAR_LAYERS.join(', ')}`)
    }
    return layer
  })
}

async function readPairs(source: ByteSource, entries: readonly TensorEntry[], rank: number): Promise<Map<string, LowRankPair>> {
  const matrices = new Map<string, Float32Array>()
  for (const entry of entries) {
    const { module, matrix } = placeOf(entry.name)
    const [rows, columns] = entry.shape
    if (entry.shape.length !== 2 || (matrix === 'a' ? rows : columns) !== rank) {
      const expected = matrix === 'a' ? `[${rank}, in]` : `[out, ${rank}]`
      throw malformed(`tensor ${shown(entry.name)} has shape [${entry.shape}], expected ${expected}`)
    }
    const values = await readFloats(source, entry)
    if (!values.every(Number.isFinite)) {
      throw new PalignError('non-finite', `tensor ${shown(entry.name)} contains NaN or infinity`)
    }
    matrices.set(`${matrix} ${module}`, values)
  }
  const modules = new Set([...matrices.keys()].map((key) => key.slice(2)))
  return new Map(
    [...modules].sort(byLayer).map((module) => {
      const [a, b] = [matrices.get(`a ${module}`), matrices.get(`b ${module}`)]
      if (a === undefined || b === undefined) throw malformed(`adapter of ${module} has only one of lora_A and lora_B`)
      return [module, { a, b }]
    }),
  )
}

function placeOf(name: string): { readonly module: string; readonly matrix: 'a' | 'b' } {
  const parts = /^(.*)\.lora_([AB])\.weight$/.exec(name)
  const module = parts?.[1]?.startsWith(PREFIX) ? parts[1].slice(PREFIX.length) : ''
  if (!MODULE.test(module) || linearLayerOf(module) === undefined) {
    throw unsupported(`adapter has tensor ${shown(name)}, supported are lora_A and lora_B of ${LINEAR_LAYERS.join(', ')}`)
  }
  return { module, matrix: parts![2] === 'A' ? 'a' : 'b' }
}

/** The layers that tensors exist for, which must be those that the config lists: PEFT would leave a listed one without tensors untrained. */
function checkTargets(modules: readonly string[], declared: readonly LinearLayer[] | undefined): readonly LinearLayer[] {
  const present = orderedTargets(modules.map((module) => linearLayerOf(module) as LinearLayer))
  if (present.length === 0) throw malformed('adapter has no tensors')
  if (declared !== undefined && orderedTargets(declared).join() !== present.join()) {
    throw malformed(`adapter lists targets ${orderedTargets(declared).join(', ')} but has tensors for ${present.join(', ')}`)
  }
  return present
}

function byLayer(a: string, b: string): number {
  const layer = (module: string) => Number(MODULE.exec(module)?.[1])
  return layer(a) - layer(b) || LINEAR_LAYERS.indexOf(linearLayerOf(a)!) - LINEAR_LAYERS.indexOf(linearLayerOf(b)!)
}

/** Values come from the file: quoted, and short enough for a message. */
function shown(value: JsonValue | undefined): string {
  const text = value === undefined ? 'absent' : JSON.stringify(value)
  return text.length > 200 ? `${text.slice(0, 200)}...` : text
}

function malformed(message: string): PalignError {
  return new PalignError('malformed-file', message, { hint: 'save the adapter again with save_pretrained' })
}

function unsupported(message: string): PalignError {
  return new PalignError('incompatible-persona', message, {
    hint: 'merge the adapter into the weights with the tool that made it',
  })
}
