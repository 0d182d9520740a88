/** @file `exportVectors`: a persona leaves palign as vectors; what only approximates it is measured first, and says so. */
import { join } from 'node:path'
import { PalignError } from '../errors.ts'
import { type ApproximationError, describeError } from '../export/approximation-error.ts'
import type { VectorSource } from '../export/export-file.ts'
import { VECTOR_FORMATS, type VectorFormat, type VectorFormatName, writeVectors } from '../export/vector-formats.ts'
import { locateWeights } from '../graph/weights.ts'
import type { LanguageModel } from '../model/language-model.ts'
import type { Precision } from '../model/precision.ts'
import { compilePersona, type StoredPersona } from '../persona/persona.ts'
import { writeFileAtomic } from './atomic-write.ts'
import { loadModel } from './load-model.ts'
import { measureApproximation } from './measure-approximation.ts'
import { readModelFolder } from './model-folder.ts'
import { folderOfModel } from './model-precision.ts'
import { readConfigRecord } from './read-config.ts'
import { outputWeightsOf } from './read-weight.ts'
import { verificationProbes } from './verify-engine.ts'

export interface ExportVectorsOptions {
  readonly persona: StoredPersona
  /** What the files are called, without an ending. */
  readonly name: string
  /** Model folder or GGUF file the persona was fitted on. */
  readonly model: string
  readonly dtype?: Precision | undefined
  readonly format: VectorFormatName
  /** Folder to write into. */
  readonly to: string
  /** Standard deviations, in place of the persona's own strength. */
  readonly alpha?: number | undefined
  /** Whether a format is written that carries hardly anything of this persona; default: refused. */
  readonly approximate?: boolean | undefined
}

export interface ExportedVectors {
  readonly files: readonly string[]
  /** Of a format that only approximates; undefined for models too large to be measured. */
  readonly measured: ApproximationError | undefined
}

/** @throws PalignError `incompatible-persona` for one that does not steer; what loading a model throws */
export async function exportVectors(options: ExportVectorsOptions): Promise<ExportedVectors> {
  const { persona, name, format, to, alpha } = options
  if (persona.kind !== 'steering' && persona.kind !== 'prompt+steering') {
    throw new PalignError('incompatible-persona', `persona is of kind ${persona.kind}, expected one that steers`)
  }
  const folder = await folderOfModel(options.model, options.dtype)
  const { config, files: weightFiles } = await readModelFolder(folder)
  const model = await loadModel(folder)
  try {
    const chosen = { ...persona, alpha: alpha ?? persona.alpha }
    const { displacement } = compilePersona(chosen, model)
    const source: VectorSource = {
      name,
      persona: chosen,
      displacement: displacement!,
      shape: model.shape,
      modelType: String((await readConfigRecord(folder)).model_type),
      outputWeights: outputWeightsOf(folder, locateWeights(config, weightFiles)),
    }
    const measured = await measure(source, { format, folder, model })
    if (!options.approximate) refuseTooFar(format, measured)
    const files = await writeVectors(format, { ...source, measured })
    for (const file of files) await writeFileAtomic(join(to, file.name), file.bytes)
    return { files: files.map((file) => join(to, file.name)), measured }
  } finally {
    await model.dispose()
  }
}

/** What an approximation may be off by, of what the persona does: beyond that it is another one. */
const MOST_ERROR = 0.5

function refuseTooFar(format: VectorFormatName, measured: ApproximationError | undefined): void {
  if (measured === undefined || measured.error.mean <= MOST_ERROR * measured.effect.mean) return
  throw new PalignError('incompatible-persona', `format ${format} does not carry this persona: ${describeError(measured)}`, {
    hint: 'choose a format or target that carries it exactly (docs/formats.md), or write it all the same with --approximate',
  })
}

interface Measuring {
  readonly format: VectorFormatName
  readonly folder: string
  readonly model: LanguageModel
}

async function measure(source: VectorSource, { format, folder, model }: Measuring): Promise<ApproximationError | undefined> {
  const { stands }: VectorFormat = VECTOR_FORMATS[format]
  if (stands === undefined) return undefined
  const system = source.persona.kind === 'prompt+steering' ? source.persona.system : undefined
  const prompts = (await verificationProbes(model, system)).map(({ tokens }) => tokens)
  const { displacement } = source
  return measureApproximation({ folder, model, displacement, shift: await stands(source), prompts })
}
