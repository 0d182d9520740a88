/** @file W_o of every layer of a model folder, read one at a time. */
import { join } from 'node:path'
import { PalignError } from '../errors.ts'
import type { OutputWeights } from '../export/bias.ts'
import { readFloats } from '../formats/float-tensor.ts'
import { layerPrefix, type WeightFile } from '../graph/weights.ts'
import { openFile } from './read-file.ts'

export function outputWeightsOf(folder: string, files: readonly WeightFile[]): OutputWeights {
  return async (layer) => {
    const name = `${layerPrefix(layer)}.self_attn.o_proj.weight`
    const file = files.find(({ header }) => header.tensors.some((tensor) => tensor.name === name))
    const entry = file?.header.tensors.find((tensor) => tensor.name === name)
    if (file === undefined || entry === undefined) {
      throw new PalignError('unsupported-model', `tensor ${name} is missing as floats`, {
        hint: 'export from the unquantised weights of the model',
      })
    }
    const source = await openFile(join(folder, file.name))
    try {
      return await readFloats(source, entry)
    } finally {
      await source.close()
    }
  }
}
