/** @file Which ONNX file of a model folder is meant: in the folder itself, as ONNX Runtime GenAI writes it, or in `onnx/`, as transformers.js reads it. */
import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { PalignError } from '../errors.ts'

export interface OnnxLocation {
  /** Holds config.json and the tokenizer. */
  readonly folder: string
  /** Of the ONNX file, from there: `model.onnx` or `onnx/model.onnx`. */
  readonly path: string
}

const SUBFOLDER = 'onnx'
const DEFAULT = 'model.onnx'

/** A folder stays one; of a path to an ONNX file the folder that describes it, and the file. */
export function modelPlace(path: string, onnxFile?: string): { readonly folder: string; readonly onnxFile: string | undefined } {
  if (!path.endsWith('.onnx')) return { folder: path, onnxFile }
  const beside = dirname(path)
  if (basename(beside) !== SUBFOLDER) return { folder: beside, onnxFile: basename(path) }
  return { folder: dirname(beside), onnxFile: `${SUBFOLDER}/${basename(path)}` }
}

/**
 * Undefined where the folder has safetensors and no ONNX file was asked for, or has no ONNX files.
 * @throws PalignError `not-found` for one that is not there, `invalid-input` where it is not clear which is meant
 */
export async function locateOnnx(folder: string, onnxFile?: string): Promise<OnnxLocation | undefined> {
  const found = await onnxFiles(folder)
  const listed = found.slice(0, 10).join(', ') || 'none'
  if (onnxFile !== undefined) {
    const matching = found.filter((path) => path === onnxFile || basename(path) === onnxFile)
    if (matching.length === 1) return { folder, path: matching[0]! }
    throw new PalignError(
      'not-found',
      `onnx file ${onnxFile} is ${matching.length} times in folder ${folder}, which has ${listed}`,
      {
        hint: 'name one of those, with its folder',
      },
    )
  }
  const hasOwnWeights = (await readdir(folder).catch(() => [])).some((name) => name.endsWith('.safetensors'))
  if (hasOwnWeights || found.length === 0) return undefined
  const defaults = found.filter((path) => basename(path) === DEFAULT)
  const chosen = defaults.length > 0 ? defaults : found
  if (chosen.length === 1) return { folder, path: chosen[0]! }
  throw new PalignError(
    'invalid-input',
    `folder ${folder} has several ONNX files, ${listed}, and it is not clear which is meant`,
    {
      hint: `name the file itself, as in ${join(folder, found[0]!)}`,
    },
  )
}

/** Paths of all ONNX files of a model folder, from there. */
export async function onnxFiles(folder: string): Promise<readonly string[]> {
  const named = async (path: string, prefix: string) =>
    (await readdir(path).catch(() => [])).filter((name) => name.endsWith('.onnx')).map((name) => `${prefix}${name}`)
  const found = await Promise.all([named(folder, ''), named(join(folder, SUBFOLDER), `${SUBFOLDER}/`)])
  return found.flat().toSorted()
}
