/** @file Tensors of a model folder one at a time, as float32: W_o of a layer for the writers of vectors. */
import { join } from 'node:path'
import type { ByteSource } from '../formats/byte-source.ts'
import { readFloats } from '../formats/float-tensor.ts'
import { dequantiseMatrix } from '../formats/quantised-matrix.ts'
import type { TensorEntry } from '../formats/safetensors.ts'
import { layerPrefix, type Weights } from '../graph/weights.ts'
import type { OutputWeights } from '../model/output-bias.ts'
import { openFile } from './read-file.ts'

/** Weights in blocks are given as the numbers that they stand for. */
export async function readWeight(folder: string, weights: Weights, name: string): Promise<Float32Array> {
  const weight = weights.get(name)!
  switch (weight.kind) {
    case 'float':
      return readEntry(folder, weight, readFloats)
    case 'blocks': {
      const numbers = await readEntry(folder, weight.numbers, (file, { begin, end }) => file.slice(begin, end))
      return dequantiseMatrix({ bits: weight.bits, numbers, scale: await readEntry(folder, weight.scale, readFloats) })
    }
    default:
      return weight satisfies never
  }
}

async function readEntry<T>(
  folder: string,
  entry: TensorEntry & { readonly file: string },
  read: (file: ByteSource, entry: TensorEntry) => Promise<T>,
): Promise<T> {
  const file = await openFile(join(folder, entry.file))
  try {
    return await read(file, entry)
  } finally {
    await file.close()
  }
}

/** Reads a layer's matrix each time that it is asked for it. */
export function outputWeightsOf(folder: string, weights: Weights): OutputWeights {
  return (layer) => readWeight(folder, weights, `${layerPrefix(layer)}.self_attn.o_proj.weight`)
}
