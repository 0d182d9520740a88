/** @file The weights a training run begins with: those of a model folder, or random ones for its configuration. */
import { join } from 'node:path'
import { writeSafetensors } from '../formats/safetensors.ts'
import { parseStrictJson } from '../formats/strict-json.ts'
import { type LlamaConfig, parseLlamaConfig } from '../graph/llama-config.ts'
import { initialWeights } from '../train/initial-weights.ts'
import { writeFileAtomic } from './atomic-write.ts'
import { fingerprintOf, readModelFolder } from './model-folder.ts'
import { readFileBounded } from './read-file.ts'

const MAX_CONFIG_BYTES = 1 << 20

export interface StartingModel {
  readonly config: LlamaConfig
  /** Folder with config.json and weights. */
  readonly folder: string
  /** Of configuration, tokenizer and weights; random weights follow from seed and deviation and are left out. */
  readonly fingerprint: string
}

export interface ScratchOptions {
  readonly seed: number
  readonly deviation: number
  /** Where the random weights are written. */
  readonly folder: string
}

/** Errors as reading a model folder. */
export async function startingModel(folder: string, scratch: ScratchOptions | undefined): Promise<StartingModel> {
  if (scratch === undefined) {
    const { config, files } = await readModelFolder(folder)
    return { config, folder, fingerprint: await fingerprintOf(folder, files) }
  }
  const text = new TextDecoder().decode(await readFileBounded(join(folder, 'config.json'), MAX_CONFIG_BYTES))
  const config = parseLlamaConfig(parseStrictJson(text, 'config.json'))
  const tensors = initialWeights(config, scratch)
  await writeFileAtomic(join(scratch.folder, 'model.safetensors'), writeSafetensors({ tensors, metadata: { format: 'pt' } }))
  await writeFileAtomic(join(scratch.folder, 'config.json'), text)
  return { config, folder: scratch.folder, fingerprint: await fingerprintOf(folder, []) }
}
