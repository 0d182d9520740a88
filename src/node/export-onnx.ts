/** @file Export to a folder as transformers.js reads it: `onnx/model.onnx` with its weights beside it, configuration and tokenizer above. */
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { biasesOf } from '../export/bias.ts'
import { NOTE_KEY, NOTE_PLACE } from '../export/verification-note.ts'
import { type ExportedPersona, exportedLlamaGraph } from '../graph/exported-llama.ts'
import { modelShape } from '../graph/llama-config.ts'
import { DISPLACEMENT } from '../graph/names.ts'
import { type MovedBytes, relocateWeights } from '../graph/relocated-weights.ts'
import { locateWeights } from '../graph/weights.ts'
import type { Displacement } from '../model/displacement.ts'
import { writeFileAtomic } from './atomic-write.ts'
import { copyModelText, withoutCodeFields } from './copy-model-text.ts'
import type { ExportTarget } from './export-target.ts'
import { readModelFolder } from './model-folder.ts'
import { exportedTokenizerConfig, readConfigRecord } from './read-config.ts'
import { type OpenFile, openFile } from './read-file.ts'
import { outputWeightsOf } from './read-weight.ts'
import { openOnnxExport } from './verify-onnx.ts'

export const ONNX_FOLDER = 'onnx'
export const ONNX_GRAPH = 'model.onnx'
/** The name that transformers.js looks for. */
const ONNX_WEIGHTS = 'model.onnx_data'
const COPY_BYTES = 16 << 20

export interface OnnxTargetOptions {
  readonly folder: string
  /** Baked into the graph, or an input that is zero unless it is fed. */
  readonly as: 'baked' | 'input'
  readonly provenance: Readonly<Record<string, string>>
}

export async function onnxTarget({ folder, as, provenance }: OnnxTargetOptions): Promise<ExportTarget> {
  const { config, files } = await readModelFolder(folder)
  const shape = modelShape(config)
  const stored = locateWeights(config, files)
  const { weights, moved } = relocateWeights(stored, ONNX_WEIGHTS)
  const json = await readConfigRecord(folder)
  const inBlocks = [...stored.values()].some(({ kind }) => kind === 'blocks')
  const bake = async (displacement: Displacement): Promise<ExportedPersona> => {
    if (inBlocks) return { kind: 'constant', displacement }
    const biases = await biasesOf('o-bias', { displacement, shape, outputWeights: outputWeightsOf(folder, stored) })
    return { kind: 'baked', biases: biases.map((bias) => Float32Array.from(bias)) }
  }
  const write = async (path: string, persona: ExportedPersona): Promise<void> => {
    await mkdir(join(path, ONNX_FOLDER), { recursive: true })
    await copyModelText({ from: folder, to: path, except: ['config.json', 'tokenizer_config.json'] })
    await writeFileAtomic(join(path, 'tokenizer_config.json'), await exportedTokenizerConfig(folder))
    const layout = { dtype: 'fp32', use_external_data_format: { [ONNX_GRAPH]: 1 } }
    const written = { ...(withoutCodeFields(json) as object), 'transformers.js_config': layout }
    await writeFileAtomic(join(path, 'config.json'), `${JSON.stringify(written, null, 2)}\n`)
    await copyWeights(folder, moved, join(path, ONNX_FOLDER, ONNX_WEIGHTS))
    const metadata = { ...provenance, [NOTE_KEY]: NOTE_PLACE }
    await writeFileAtomic(join(path, ONNX_FOLDER, ONNX_GRAPH), exportedLlamaGraph({ config, shape, weights, persona, metadata }))
  }
  return {
    kind: 'folder',
    precision: inBlocks ? 'narrow' : 'float',
    noteIn: join(ONNX_FOLDER, ONNX_GRAPH),
    facts: {
      carrier:
        as === 'baked'
          ? `${inBlocks ? 'constant added before' : 'bias added after'} o_proj`
          : `input "${DISPLACEMENT}", zero unless it is fed`,
      context: `${shape.contextLength} tokens`,
      // Measured with onnxruntime-node 1.30: no error, and the answers of the base model.
      ...(as === 'input' && {
        javascript: 'ONNX Runtime ignores what is fed to an input that has a value: bake the persona there',
      }),
    },
    write: async (path, displacement) => write(path, as === 'input' ? { kind: 'input' } : await bake(displacement)),
    ...(as === 'input' && {
      writeTrial: (path: string, displacement: Displacement) => write(path, { kind: 'input', unfed: displacement }),
    }),
    open: (path) => openOnnxExport(path, shape),
  }
}

/** A piece at a time: a matrix may be as large as memory. */
async function copyWeights(folder: string, moved: readonly MovedBytes[], path: string): Promise<void> {
  const sources = new Map<string, OpenFile>()
  const out = await open(path, 'wx')
  try {
    for (const { file, begin, end, to } of moved) {
      const source = sources.get(file) ?? (await openFile(join(folder, file)))
      sources.set(file, source)
      for (let at = begin; at < end; at += COPY_BYTES) {
        const bytes = await source.slice(at, Math.min(end, at + COPY_BYTES))
        await out.write(bytes, 0, bytes.length, to + at - begin)
      }
    }
    await out.sync()
  } finally {
    await out.close()
    for (const source of sources.values()) await source.close()
  }
}
