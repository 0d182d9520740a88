/** @file What is written into a persona about the model it is found on, beside the fingerprint: hashes of the parts, and the type of the weights. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { BaseModel } from '../persona/about.ts'
import { readModelFolder } from './model-folder.ts'
import { readModelText } from './model-text.ts'
import { readFileBounded } from './read-file.ts'

const MAX_CONFIG_BYTES = 1 << 20
const MAX_TOKENIZER_BYTES = 64 << 20

/** The name on a hub is not in a folder; whoever fetched it may add it. @throws PalignError as `loadModel` does */
export async function describeBaseModel(folder: string): Promise<BaseModel> {
  const [{ files }, { chatTemplate }, config, tokenizer] = await Promise.all([
    readModelFolder(folder),
    readModelText(folder),
    readFileBounded(join(folder, 'config.json'), MAX_CONFIG_BYTES),
    readFileBounded(join(folder, 'tokenizer.json'), MAX_TOKENIZER_BYTES),
  ])
  const matrices = files.flatMap(({ header }) => header.tensors.filter(({ shape }) => shape.length === 2))
  return {
    config: hashOf(config),
    tokenizer: hashOf(tokenizer),
    ...(chatTemplate !== undefined && { chatTemplate: hashOf(chatTemplate) }),
    dtype: [...new Set(matrices.map(({ dtype }) => dtype))].sort().join('+'),
  }
}

const hashOf = (content: Uint8Array | string) => createHash('sha256').update(content).digest('hex')
