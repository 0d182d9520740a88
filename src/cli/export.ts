/** @file `palign export`: a persona inside a model for another program, verified there. */
import type { ExportTargetName } from '../node/export-persona.ts'
import { type ExportResult, exportPersona } from '../node/export-persona.ts'
import { readPersona } from '../node/persona-file.ts'
import { note, print, printJson } from './output.ts'

interface ExportOptions {
  readonly model: string
  readonly to: ExportTargetName
  readonly out: string
  readonly alpha?: number
  readonly as: 'baked' | 'input'
  readonly requireVerified?: boolean
  readonly json?: boolean
}

export async function exportCommand(path: string, { to, out, json, ...options }: ExportOptions): Promise<void> {
  const persona = await readPersona(path)
  const result = await exportPersona({ persona, target: to, to: out, ...options })
  if (result.prompt === 'not carried')
    note('palign: the system prompt of this persona is not in the export; send it with every request')
  if (json) printJson(result)
  else showExport(result)
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
    `  ${what.padEnd(28)} ${of.totalVariation.toExponential(1)}  ${of.meanTotalVariation.toExponential(1)}`
  print(`verified in ${verification.target}, ${verification.places} places; total variation, largest and mean:`)
  print(line('export to steered engine', exportToSteered))
  print(line('export to base model', exportToBase))
  print(line('steered engine to base model', steeredToBase))
  print(line('alpha 0 to base model', zeroToBase))
}
