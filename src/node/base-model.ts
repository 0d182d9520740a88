/** @file What is written into a persona about the model it is found on, beside the fingerprint: hashes of the parts, and the type of the weights. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Precision } from '../model/precision.ts'
import type { BaseModel } from '../persona/about.ts'
import { readModelFolder } from './model-folder.ts'
import { folderOfModel } from './model-precision.ts'
import { readModelText } from './model-text.ts'
import { locateOnnx, modelPlace } from './onnx-location.ts'
import { readFileBounded } from './read-file.ts'

const MAX_CONFIG_BYTES = 1 << 20
const MAX_TOKENIZER_BYTES = 64 << 20

/** The name on a hub is not in a folder; whoever fetched it may add it. @throws PalignError as `loadModel` does */
export async function describeBaseModel(path: string, precision?: Precision): Promise<BaseModel> {
  const { folder: place, onnxFile } = modelPlace(path)
  const folder = await folderOfModel(place, precision)
  const [dtype, { chatTemplate }, config, tokenizer] = await Promise.all([
    weightTypes(folder, onnxFile),
    readModelText(folder),
    readFileBounded(join(folder, 'config.json'), MAX_CONFIG_BYTES),
    readFileBounded(join(folder, 'tokenizer.json'), MAX_TOKENIZER_BYTES),
  ])
  return {
    config: hashOf(config),
    tokenizer: hashOf(tokenizer),
    ...(chatTemplate !== undefined && { chatTemplate: hashOf(chatTemplate) }),
    dtype,
  }
}

async function weightTypes(folder: string, onnxFile: string | undefined): Promise<string> {
  const onnx = await locateOnnx(folder, onnxFile)
  // Its matrices may be packed in many ways: the file says which it is.
  if (onnx !== undefined) return onnx.path
  const { files } = await readModelFolder(folder)
  const matrices = files.flatMap(({ header }) =>
    header.tensors.filter(({ name, shape }) => shape.length >= 2 && !name.endsWith('.scale')),
  )
  return [...new Set(matrices.map(({ name, dtype }) => /\.(q[48])$/.exec(name)?.[1] ?? dtype))].sort().join('+')
}

const hashOf = (content: Uint8Array | string) => createHash('sha256').update(content).digest('hex')
