/**
 * @file A model folder in another precision: made once from any other, kept in the cache folder (`docs/decisions/0017`). Norms, biases and matrices whose width
 * is no multiple of 32 stay in floats; at 4 bits embedding and output layer have 8, since every token goes through them.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { PalignError, throwIfAborted } from '../errors.ts'
import { floatTensor, readFloats } from '../formats/float-tensor.ts'
import {
  type Bits,
  BLOCK,
  blockEntries,
  dequantiseMatrix,
  type QuantisedMatrix,
  quantiseMatrix,
} from '../formats/quantised-matrix.ts'
import { EMBEDDING, locateWeights, OUTPUT, type Weight, type WeightFile } from '../graph/weights.ts'
import type { Progress } from '../model/language-model.ts'
import type { Precision } from '../model/precision.ts'
import { cacheFolder } from './activation-cache.ts'
import { writeFolderAtomic } from './atomic-folder.ts'
import { copyModelText } from './copy-model-text.ts'
import { fingerprintOf, readModelFolder } from './model-folder.ts'
import { modelFolderOf } from './model-source.ts'
import { type OpenFile, openFile } from './read-file.ts'
import { type PlannedTensors, writePlannedTensors } from './tensor-file.ts'

/** Part of the names in the cache: other numbers for the same weights need another one. */
const VERSION = 1

export interface PrecisionOptions {
  readonly precision: Precision
  /** Default: that of the user. */
  readonly cache?: string | undefined
  readonly signal?: AbortSignal | undefined
  /** Counts tensors; not called where nothing is to be made. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/**
 * The folder itself where its weights are in that precision already.
 * @throws PalignError what reading a model throws; `non-finite` for a weight that the precision cannot hold
 */
export async function folderInPrecision(folder: string, options: PrecisionOptions): Promise<string> {
  const { precision, cache = cacheFolder(process.env) } = options
  const { config, files } = await readModelFolder(folder)
  const weights = [...locateWeights(config, files).values()]
  if (weights.every((weight) => formOf(weight) === targetOf(weight, precision))) return folder
  const source = await fingerprintOf(folder, files)
  const key = createHash('sha256').update(`${source} ${precision} ${VERSION}`).digest('hex').slice(0, 32)
  const made = join(cache, 'models', `${precision}-${key}`)
  if (await isModelFolder(made)) return made
  await writeFolderAtomic(made, (fresh) => convert({ from: folder, to: fresh, files, weights, source }, options)).catch(
    async (error) => {
      // Another process may have made the same in the meantime.
      if (!(await isModelFolder(made))) throw error
    },
  )
  return made
}

/** The folder of a model folder or a GGUF file, in another precision where one is asked for. */
export async function folderOfModel(path: string, precision?: Precision): Promise<string> {
  const folder = await modelFolderOf(path)
  return precision === undefined ? folder : folderInPrecision(folder, { precision })
}

function isModelFolder(folder: string): Promise<boolean> {
  return readModelFolder(folder).then(
    () => true,
    () => false,
  )
}

type Form = 'F32' | 'F16' | 'BF16' | Bits

const formOf = (weight: Weight): Form => (weight.kind === 'blocks' ? weight.bits : weight.dtype)

function targetOf(weight: Weight, precision: Precision): Form {
  const { shape, name } = weight
  if (precision === 'f32') return 'F32'
  if (shape.length < 2) return formOf(weight)
  if (precision === 'f16') return 'F16'
  if (shape[1]! % BLOCK !== 0) return formOf(weight)
  return precision === 'q8' || name === EMBEDDING || name === OUTPUT ? 8 : 4
}

interface Conversion {
  readonly from: string
  readonly to: string
  readonly files: readonly WeightFile[]
  readonly weights: readonly Weight[]
  readonly source: string
}

async function convert({ from, to, files, weights, source }: Conversion, options: PrecisionOptions): Promise<void> {
  await copyModelText({ from, to })
  const open = new Map<string, OpenFile>()
  try {
    for (const { name } of files) open.set(name, await openFile(join(from, name)))
    const groups = weights.map((weight, done): PlannedTensors => {
      const { tensors, make } = planWeight(weight, targetOf(weight, options.precision), (name) => open.get(name)!)
      return {
        tensors,
        make() {
          throwIfAborted(options.signal)
          options.onProgress?.({ done: done + 1, total: weights.length })
          return make()
        },
      }
    })
    await writePlannedTensors(join(to, 'model.safetensors'), groups, {
      'palign.source': source,
      'palign.precision': options.precision,
    })
  } finally {
    for (const file of open.values()) await file.close()
  }
}

type Files = (name: string) => OpenFile

function planWeight(weight: Weight, target: Form, files: Files): PlannedTensors {
  if (formOf(weight) === target) return copied(weight, files)
  const { name, shape } = weight
  if (target !== 4 && target !== 8) {
    return {
      tensors: [{ name, dtype: target, shape }],
      async make() {
        const values = await numbersOf(weight, files)
        if (target === 'F16') refuseOverflow(name, values)
        return [floatTensor(name, shape, values, target).data]
      },
    }
  }
  return {
    tensors: blockEntries(name, shape, target),
    make: async () => blockBytes(quantiseMatrix(await numbersOf(weight, files), shape[1]!, target)),
  }
}

function copied(weight: Weight, files: Files): PlannedTensors {
  const entries = weight.kind === 'float' ? [weight] : [weight.numbers, weight.scale]
  return {
    tensors: entries.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    make: () => Promise.all(entries.map(({ file, begin, end }) => files(file).slice(begin, end))),
  }
}

const blockBytes = ({ numbers, scale }: QuantisedMatrix): Uint8Array[] => [
  numbers,
  new Uint8Array(scale.buffer, scale.byteOffset, scale.byteLength),
]

async function numbersOf(weight: Weight, files: Files): Promise<Float32Array> {
  if (weight.kind === 'float') return readFloats(files(weight.file), weight)
  const { numbers, scale, bits } = weight
  const bytes = await files(numbers.file).slice(numbers.begin, numbers.end)
  return dequantiseMatrix({ bits, numbers: bytes, scale: await readFloats(files(scale.file), scale) })
}

/** The largest number of float16. */
const MOST_F16 = 65504

function refuseOverflow(name: string, values: Float32Array): void {
  for (let i = 0; i < values.length; i++) {
    if (Math.abs(values[i]!) <= MOST_F16) continue
    throw new PalignError('non-finite', `weight ${name} holds ${values[i]}, which f16 cannot`, { hint: 'use f32, q8 or q4' })
  }
}
