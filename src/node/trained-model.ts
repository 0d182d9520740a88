/** @file What a training run leaves: a model folder like the one it began with, with other weights; or an adapter in PEFT's layout. */
import { basename, join, resolve } from 'node:path'
import { PalignError } from '../errors.ts'
import type { FloatDtype } from '../formats/float-tensor.ts'
import { parseStrictJson } from '../formats/strict-json.ts'
import type { LlamaConfig } from '../graph/llama-config.ts'
import { requiredTensors } from '../graph/weights.ts'
import type { AdapterConfig } from '../model/adapter.ts'
import { toAdapter } from '../train/low-rank.ts'
import { writeAdapterFolder } from './adapter-folder.ts'
import { writeFileAtomic } from './atomic-write.ts'
import { copyModelText, withoutCodeFields } from './copy-model-text.ts'
import { decodeText, readFileBounded } from './read-file.ts'
import { writeTensorFile } from './tensor-file.ts'

const MAX_CONFIG_BYTES = 1 << 20
/** As Hugging Face configurations name them. */
const TORCH_DTYPES = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const satisfies Record<FloatDtype, string>

export interface TrainedModel {
  /** Folder that training began with. */
  readonly from: string
  readonly to: string
  readonly config: LlamaConfig
  readonly parameters: ReadonlyMap<string, Float32Array>
  readonly dtype: FloatDtype
}

export async function writeTrainedModel({ from, to, config, parameters, dtype }: TrainedModel): Promise<void> {
  const tensors = [...requiredTensors(config)].map(([name, shape]) => ({ name, shape, values: weightOf(parameters, name) }))
  await writeTensorFile(join(to, 'model.safetensors'), { tensors, dtype, metadata: { format: 'pt' } })
  await copyModelText({ from, to, except: ['config.json'] })
  const path = join(from, 'config.json')
  const text = decodeText(await readFileBounded(path, MAX_CONFIG_BYTES), path)
  const json = withoutCodeFields(parseStrictJson(text, 'config.json')) as Record<string, unknown>
  const said = Object.keys(json).includes('dtype') ? 'dtype' : 'torch_dtype'
  // A folder with a config.json is complete: it comes last.
  await writeFileAtomic(join(to, 'config.json'), `${JSON.stringify({ ...json, [said]: TORCH_DTYPES[dtype] }, null, 2)}\n`)
}

export interface TrainedAdapter {
  readonly from: string
  readonly to: string
  readonly config: LlamaConfig
  readonly adapter: AdapterConfig
  readonly dropout: number
  readonly parameters: ReadonlyMap<string, Float32Array>
  /** Of the model it was trained on. */
  readonly fingerprint: string
}

export async function writeTrainedAdapter({ from, to, config, parameters, ...trained }: TrainedAdapter): Promise<void> {
  const adapter = toAdapter(config, trained.adapter, parameters)
  const peft = { adapter, base: basename(resolve(from)), origin: { model: trained.fingerprint, method: 'sft' } }
  await writeAdapterFolder(to, peft, { dropout: trained.dropout })
}

function weightOf(parameters: ReadonlyMap<string, Float32Array>, name: string): Float32Array {
  const values = parameters.get(name)
  if (values === undefined) throw new PalignError('engine-failed', `trainer gave no tensor ${name}`)
  return values
}
