/** @file The engine side of a model folder: configuration, weight files, fingerprint. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { errorAt, PalignError } from '../errors.ts'
import { readSafetensorsHeader } from '../formats/safetensors.ts'
import { parseStrictJson } from '../formats/strict-json.ts'
import { type LlamaConfig, parseLlamaConfig } from '../graph/llama-config.ts'
import type { WeightFile } from '../graph/weights.ts'
import { openFile, readFileBounded } from './read-file.ts'

const MAX_CONFIG_BYTES = 1 << 20
/** Weights in formats that run code when read, or that another program must read. */
const OTHER_WEIGHTS = /\.(bin|pt|pth|pkl|pickle|ckpt|npy|npz|h5|msgpack|gguf|onnx)$/

export interface ModelFolder {
  readonly config: LlamaConfig
  readonly files: readonly WeightFile[]
}

export async function readModelFolder(folder: string): Promise<ModelFolder> {
  const text = new TextDecoder().decode(await readFileBounded(join(folder, 'config.json'), MAX_CONFIG_BYTES))
  const config = parseLlamaConfig(parseStrictJson(text, 'config.json'))
  const names = (await readdir(folder)).sort()
  const weightNames = names.filter((name) => name.endsWith('.safetensors'))
  if (weightNames.length === 0) {
    const others = names.filter((name) => OTHER_WEIGHTS.test(name))
    const seen = others.length === 0 ? '' : `, only ${others.slice(0, 5).join(', ')}`
    throw new PalignError('not-found', `folder ${folder} has no .safetensors file${seen}`, {
      hint: others.some((name) => name.endsWith('.gguf'))
        ? 'give the path of the .gguf file itself'
        : 'palign reads safetensors and GGUF; convert the weights with the tools of their format',
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

/** sha256 over names and contents of configuration, tokenizer and weights. */
export async function fingerprintOf(folder: string, files: readonly WeightFile[]): Promise<string> {
  const hash = createHash('sha256')
  for (const name of ['config.json', 'tokenizer.json', ...files.map((file) => file.name)]) {
    hash.update(`${name}\0`)
    for await (const chunk of createReadStream(join(folder, name), { highWaterMark: 1 << 20 })) hash.update(chunk as Uint8Array)
    hash.update('\0')
  }
  return hash.digest('hex')
}
