/** @file A model folder with an adapter merged into its weights: an ordinary model, for palign and for other tools. */
import { join } from 'node:path'
import { mergeLinear } from '../engine/merge-adapter.ts'
import { floatTensor, readFloats } from '../formats/float-tensor.ts'
import { assertFloat, linearModules, locateWeights, type WeightFile } from '../graph/weights.ts'
import { type Adapter, assertAdapter } from '../model/adapter.ts'
import { writeFolderAtomic } from './atomic-folder.ts'
import { copyModelText } from './copy-model-text.ts'
import { readModelFolder } from './model-folder.ts'
import { modelFolderOf } from './model-source.ts'
import { type OpenFile, openFile } from './read-file.ts'
import { type PlannedTensors, writePlannedTensors } from './tensor-file.ts'

export interface MergeOptions {
  /** Model folder (or .gguf file) the adapter was trained on. */
  readonly from: string
  readonly adapter: Adapter
  /** Folder to write; must not exist, or be empty. */
  readonly to: string
}

/**
 * Whole or not at all; one tensor in memory at a time. Adapted layers are written as float32 whatever they were, so that nothing of the
 * update is lost to rounding; all other tensors byte for byte.
 * @throws PalignError `incompatible-persona` or `non-finite` for an adapter that does not fit; what reading a model throws
 */
export async function writeMergedModel({ from: base, adapter, to }: MergeOptions): Promise<void> {
  const from = await modelFolderOf(base)
  const { config, files } = await readModelFolder(from)
  for (const weight of locateWeights(config, files).values()) assertFloat(weight)
  assertAdapter(adapter, linearModules(config))
  await writeFolderAtomic(to, async (folder) => {
    await copyModelText({ from, to: folder })
    for (const file of files) {
      const source = await openFile(join(from, file.name))
      try {
        await writeMergedFile({ source, file, adapter, path: join(folder, file.name) })
      } finally {
        await source.close()
      }
    }
  })
}

interface MergedFile {
  readonly source: OpenFile
  readonly file: WeightFile
  readonly adapter: Adapter
  readonly path: string
}

async function writeMergedFile({ source, file, adapter, path }: MergedFile): Promise<void> {
  const { tensors, metadata } = file.header
  const pairOf = (name: string) => (name.endsWith('.weight') ? adapter.pairs.get(name.slice(0, -'.weight'.length)) : undefined)
  const groups = tensors.map((entry): PlannedTensors => {
    const { name, dtype, shape } = entry
    const pair = pairOf(name)
    if (pair === undefined) {
      return { tensors: [{ name, dtype, shape }], make: async () => [await source.slice(entry.begin, entry.end)] }
    }
    const merged = async () => mergeLinear(await readFloats(source, entry), pair, adapter)
    return {
      tensors: [{ name, dtype: 'F32', shape }],
      make: async () => [floatTensor(name, shape, await merged()).data],
    }
  })
  await writePlannedTensors(path, groups, metadata)
}
