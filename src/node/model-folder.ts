/** @file The engine side of a model folder: configuration, weight files, fingerprint. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { errorAt, PalignError } from '../errors.ts'
import { readSafetensorsHeader } from '../formats/safetensors.ts'
import { type JsonValue, parseStrictJson } from '../formats/strict-json.ts'
import { type LlamaConfig, parseLlamaConfig } from '../graph/llama-config.ts'
import type { WeightFile } from '../graph/weights.ts'
import { onnxFiles } from './onnx-location.ts'
import { openFile, readFileBounded } from './read-file.ts'

const MAX_CONFIG_BYTES = 1 << 20
/** Weights in formats that run code when read, or that another program must read. */
const OTHER_WEIGHTS = /\.(bin|pt|pth|pkl|pickle|ckpt|npy|npz|h5|msgpack|gguf|onnx)$/

export interface ModelFolder {
  readonly config: LlamaConfig
  readonly files: readonly WeightFile[]
}

export async function readModelFolder(folder: string): Promise<ModelFolder> {
  const config = parseLlamaConfig(await readConfig(folder))
  const names = (await readdir(folder)).sort()
  const weightNames = names.filter((name) => name.endsWith('.safetensors'))
  if (weightNames.length === 0) {
    const onnx = await onnxFiles(folder)
    const others = [...new Set([...names.filter((name) => OTHER_WEIGHTS.test(name)), ...onnx])]
    const seen = others.length === 0 ? '' : `, only ${others.slice(0, 5).join(', ')}`
    throw new PalignError('not-found', `folder ${folder} has no .safetensors file${seen}`, {
      hint: hintFor(others, onnx.length > 0),
    })
  }
  const files: WeightFile[] = []
  for (const name of weightNames) {
    const file = await openFile(join(folder, name))
    try {
      files.push({ name, header: await readSafetensorsHeader(file) })
    } catch (error) {
      throw errorAt(`file ${name}`, error)
    } finally {
      await file.close()
    }
  }
  return { config, files }
}

function hintFor(names: readonly string[], hasOnnx: boolean): string {
  if (names.some((name) => name.endsWith('.gguf'))) return 'give the path of the .gguf file itself'
  if (hasOnnx) return 'an ONNX model runs as it is; adapters, training, merging and other precisions need its safetensors'
  return 'palign reads safetensors, GGUF and ONNX; convert the weights with the tools of their format'
}

/** config.json, which says what a model is; what it says is checked by whoever uses it. */
export async function readConfig(folder: string): Promise<JsonValue> {
  const text = new TextDecoder().decode(await readFileBounded(join(folder, 'config.json'), MAX_CONFIG_BYTES))
  return parseStrictJson(text, 'config.json')
}

/** sha256 over names and contents of configuration, tokenizer and weights. */
export async function fingerprintOf(folder: string, files: readonly Pick<WeightFile, 'name'>[]): Promise<string> {
  const hash = createHash('sha256')
  for (const name of ['config.json', 'tokenizer.json', ...files.map((file) => file.name)]) {
    hash.update(`${name}\0`)
    for await (const chunk of createReadStream(join(folder, name), { highWaterMark: 1 << 20 })) hash.update(chunk as Uint8Array)
    hash.update('\0')
  }
  return hash.digest('hex')
}
