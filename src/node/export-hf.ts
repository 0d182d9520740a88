/** @file Export to a Hugging Face folder with the persona in its attention biases, and its verification by our engine under the rules of the format's loaders. */
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { biasesOf } from '../export/bias.ts'
import { type AttentionBias, commonDtype, hfBiases, hfConfig } from '../export/hf-folder.ts'
import { NOTE_KEY, NOTE_PLACE } from '../export/verification-note.ts'
import { type FloatDtype, floatTensor, readFloats } from '../formats/float-tensor.ts'
import { safetensorsStart, type TensorEntry } from '../formats/safetensors.ts'
import type { LlamaConfig } from '../graph/llama-config.ts'
import { modelShape } from '../graph/llama-config.ts'
import { assertFloat, locateWeights, type WeightFile, type Weights } from '../graph/weights.ts'
import type { Displacement } from '../model/displacement.ts'
import type { LanguageModel } from '../model/language-model.ts'
import { writeFileAtomic } from './atomic-write.ts'
import { copyModelText, withoutCodeFields } from './copy-model-text.ts'
import type { ExportTarget } from './export-target.ts'
import { readModelFolder } from './model-folder.ts'
import { packageVersion } from './package-version.ts'
import { exportedTokenizerConfig, type JsonRecord, readConfigRecord } from './read-config.ts'
import { openFile } from './read-file.ts'
import { outputWeightsOf } from './read-weight.ts'
import { engineExport } from './verify-engine.ts'

export interface HfTargetOptions {
  readonly folder: string
  readonly openModel: (folder: string) => Promise<LanguageModel>
  /** What is written into the metadata about the persona. */
  readonly provenance: Readonly<Record<string, string>>
}

/** @throws PalignError `unsupported-model` for weights that are no floats and for what a llama cannot compute */
export async function hfTarget({ folder, openModel, provenance }: HfTargetOptions): Promise<ExportTarget> {
  const { config, files } = await readModelFolder(folder)
  const weights = locateWeights(config, files)
  const dtype = commonDtype([...weights.values()].map((weight) => assertFloat(weight).dtype))
  const written = hfConfig(withoutCodeFields(await readConfigRecord(folder)) as JsonRecord, config, dtype)
  return {
    kind: 'folder',
    // Eight bits of a number leave rounding that three decimals would not pass.
    precision: dtype === 'bfloat16' ? 'narrow' : 'float',
    noteIn: weightName(files.length - 1, files.length),
    facts: { carrier: 'o_proj.bias', family: String(written.model_type), dtype },
    async write(path, displacement) {
      await mkdir(path, { recursive: true })
      await copyModelText({ from: folder, to: path, except: ['config.json', 'tokenizer_config.json'] })
      await writeFileAtomic(join(path, 'config.json'), `${JSON.stringify(written, null, 2)}\n`)
      await writeFileAtomic(join(path, 'tokenizer_config.json'), await exportedTokenizerConfig(folder))
      await writeWeights({ folder, path, config, files, weights, displacement, provenance })
    },
    open: async (path) => ({
      opened: [
        engineExport(await openModel(path), `palign ${packageVersion()}, which refuses tensors that the config does not declare`),
      ],
      missing: [],
    }),
  }
}

interface WriteWeights {
  readonly folder: string
  readonly path: string
  readonly config: LlamaConfig
  readonly files: readonly WeightFile[]
  readonly weights: Weights
  readonly displacement: Displacement
  readonly provenance: Readonly<Record<string, string>>
}

/** The names that loaders look for. */
function weightName(index: number, count: number): string {
  if (count === 1) return 'model.safetensors'
  const number = (of: number) => String(of).padStart(5, '0')
  return `model-${number(index + 1)}-of-${number(count)}.safetensors`
}

async function writeWeights({ folder, path, config, files, weights, displacement, provenance }: WriteWeights): Promise<void> {
  const biases = hfBiases(
    config,
    await biasesOf('o-bias', { displacement, shape: modelShape(config), outputWeights: outputWeightsOf(folder, weights) }),
  )
  const isNew = ({ name }: AttentionBias) => !weights.has(name)
  const map: [string, string][] = []
  let total = 0
  for (const [i, file] of files.entries()) {
    const isLast = i === files.length - 1
    const name = weightName(i, files.length)
    const metadata = isLast ? { ...provenance, [NOTE_KEY]: NOTE_PLACE } : {}
    const added = isLast ? biases.filter(isNew) : []
    const source = await openFile(join(folder, file.name))
    try {
      const out = await open(join(path, name), 'wx')
      try {
        const entries = [
          ...file.header.tensors,
          ...added.map((bias) => ({ name: bias.name, dtype: dtypeOf(bias, weights), shape: [bias.length] })),
        ]
        await out.writeFile(
          safetensorsStart({ tensors: entries, metadata: { ...file.header.metadata, format: 'pt', ...metadata } }),
        )
        for (const entry of file.header.tensors) await out.writeFile(await changed(entry, biases, source))
        for (const bias of added) await out.writeFile(bytesOf(bias, new Float32Array(bias.length), dtypeOf(bias, weights)))
        await out.sync()
        for (const entry of entries) map.push([entry.name, name])
        total += (await out.stat()).size
      } finally {
        await out.close()
      }
    } finally {
      await source.close()
    }
  }
  if (files.length > 1) {
    const index = { metadata: { total_size: total }, weight_map: Object.fromEntries(map.sort(([a], [b]) => (a < b ? -1 : 1))) }
    await writeFileAtomic(join(path, 'model.safetensors.index.json'), `${JSON.stringify(index, null, 2)}\n`)
  }
}

/** A tensor of the model, with what the persona adds to it. */
async function changed(
  entry: TensorEntry,
  biases: readonly AttentionBias[],
  source: Parameters<typeof readFloats>[0],
): Promise<Uint8Array> {
  const bias = biases.find(({ name }) => name === entry.name)
  if (bias?.added === undefined) return source.slice(entry.begin, entry.end)
  return bytesOf(bias, await readFloats(source, entry), entry.dtype as FloatDtype)
}

function bytesOf({ name, length, added }: AttentionBias, before: Float32Array, dtype: FloatDtype): Uint8Array {
  const values = added === undefined ? before : before.map((x, i) => x + added[i]!)
  return floatTensor(name, [length], values, dtype).data
}

/** That of the matrix: loaders that convert to one type find nothing to convert. */
function dtypeOf({ name }: AttentionBias, weights: Weights): FloatDtype {
  return assertFloat(weights.get(name.replace(/bias$/, 'weight'))!).dtype
}
