/** @file `palign export`: a persona inside a model for another program, verified there, or in a file of vectors. */
import { basename, join } from 'node:path'
import { PalignError } from '../errors.ts'
import { isVectorFormat, VECTOR_FORMATS, type VectorFormatName, writeVectors } from '../export/vector-formats.ts'
import { shown } from '../export/verification.ts'
import { locateWeights } from '../graph/weights.ts'
import { writeFileAtomic } from '../node/atomic-write.ts'
import { type ExportPersonaOptions, type ExportResult, exportPersona } from '../node/export-persona.ts'
import { isExportTarget } from '../node/export-targets.ts'
import { loadModel } from '../node/load-model.ts'
import { readModelFolder } from '../node/model-folder.ts'
import { modelFolderOf } from '../node/model-source.ts'
import { readPersona } from '../node/persona-file.ts'
import { readConfigRecord } from '../node/read-config.ts'
import { outputWeightsOf } from '../node/read-weight.ts'
import { compilePersona, type StoredPersona } from '../persona/persona.ts'
import { note, print, printJson } from './output.ts'

interface ExportOptions extends Omit<ExportPersonaOptions, 'persona' | 'target' | 'to'> {
  readonly to: string
  readonly out: string
  readonly json?: boolean
}

export async function exportCommand(path: string, { to, out, json, ...options }: ExportOptions): Promise<void> {
  const persona = await readPersona(path)
  if (isVectorFormat(to)) {
    const files = await writeVectorFiles({ persona, name: basename(path).replace(/\.safetensors$/, ''), to, out, ...options })
    if (json) printJson({ target: to, carries: VECTOR_FORMATS[to].carries, files })
    else for (const file of files) print(file)
    if (VECTOR_FORMATS[to].carries === 'approximate')
      note('palign: this format carries the persona approximately; see docs/formats.md')
    return
  }
  if (!isExportTarget(to)) throw new PalignError('invalid-input', `target ${to} is unknown`)
  const result = await exportPersona({ persona, target: to, to: out, ...options })
  if (result.prompt === 'not carried')
    note('palign: the system prompt of this persona is not in the export; send it with every request')
  if (json) printJson(result)
  else showExport(result)
}

interface VectorOptions extends Pick<ExportOptions, 'model' | 'alpha' | 'out'> {
  readonly persona: StoredPersona
  readonly name: string
  readonly to: VectorFormatName
}

async function writeVectorFiles({ persona, name, to, out, model: path, alpha }: VectorOptions): Promise<string[]> {
  if (persona.kind !== 'steering' && persona.kind !== 'prompt+steering') {
    throw new PalignError('incompatible-persona', `persona is of kind ${persona.kind}, expected one that steers`)
  }
  const folder = await modelFolderOf(path)
  const { config, files: weightFiles } = await readModelFolder(folder)
  const model = await loadModel(folder)
  try {
    const chosen = { ...persona, alpha: alpha ?? persona.alpha }
    const { displacement } = compilePersona(chosen, model)
    const files = await writeVectors(to, {
      name,
      persona: chosen,
      displacement: displacement!,
      shape: model.shape,
      modelType: String((await readConfigRecord(folder)).model_type),
      outputWeights: outputWeightsOf(folder, locateWeights(config, weightFiles)),
    })
    for (const file of files) await writeFileAtomic(join(out, file.name), file.bytes)
    return files.map((file) => join(out, file.name))
  } finally {
    await model.dispose()
  }
}

function showExport({ target, path, carrier, verification }: ExportResult): void {
  print(`${target} written to ${path}`)
  for (const [name, value] of Object.entries(carrier)) print(`  ${name}: ${value}`)
  if (verification.kind === 'unverified') {
    note(`palign: this export is unverified: ${verification.reason}`)
    return
  }
  const { exportToSteered, exportToBase, steeredToBase, zeroToBase } = verification.compared
  const line = (what: string, of: typeof exportToSteered) =>
    `  ${what.padEnd(28)} ${shown(of.totalVariation).padStart(10)} ${shown(of.meanTotalVariation).padStart(10)}`
  print(`verified in ${verification.target}, ${verification.places} places; total variation, largest and mean:`)
  print(line('export to steered engine', exportToSteered))
  print(line('export to base model', exportToBase))
  print(line('steered engine to base model', steeredToBase))
  print(line('alpha 0 to base model', zeroToBase))
}
