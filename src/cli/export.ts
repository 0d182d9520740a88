/** @file `palign export`: a persona inside a model for another program, verified there, or in a file of vectors. */
import { basename } from 'node:path'
import { PalignError } from '../errors.ts'
import { describeError } from '../export/approximation-error.ts'
import { isVectorFormat, VECTOR_FORMATS } from '../export/vector-formats.ts'
import { shown } from '../export/verification.ts'
import { type ExportPersonaOptions, type ExportResult, exportPersona } from '../node/export-persona.ts'
import { isExportTarget } from '../node/export-targets.ts'
import { type ExportedVectors, exportVectors } from '../node/export-vectors.ts'
import { note, print, printJson } from './output.ts'
import { type PassphraseOptions, passphraseOf } from './passphrase.ts'
import { usablePersona } from './use-persona.ts'

interface ExportOptions extends Omit<ExportPersonaOptions, 'persona' | 'target' | 'to'>, PassphraseOptions {
  readonly to: string
  readonly out: string
  readonly approximate?: boolean
  readonly json?: boolean
}

export async function exportCommand(path: string, { to, out, json, passphraseFile, ...options }: ExportOptions): Promise<void> {
  const persona = await usablePersona(path, { passphrase: passphraseOf({ passphraseFile }) })
  if (isVectorFormat(to)) {
    const name = basename(path).replace(/(\.safetensors)?(\.age)?$/, '')
    const exported = await exportVectors({ persona, name, format: to, to: out, ...options })
    const { carries } = VECTOR_FORMATS[to]
    if (json) printJson({ target: to, carries, ...exported })
    else showVectors(exported, carries)
    return
  }
  if (!isExportTarget(to)) throw new PalignError('invalid-input', `target ${to} is unknown`)
  const result = await exportPersona({ persona, target: to, to: out, ...options })
  if (result.prompt === 'not carried')
    note('palign: the system prompt of this persona is not in the export; send it with every request')
  if (json) printJson(result)
  else showExport(result)
}

function showVectors({ files, measured }: ExportedVectors, carries: string): void {
  for (const file of files) print(file)
  if (carries === 'approximate') note(`palign: this format carries the persona approximately: ${describeError(measured)}`)
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
