/** @file `palign inspect`: what a model folder or a persona file holds. */
import { stat } from 'node:fs/promises'
import { PalignError } from '../errors.ts'
import { loadModel } from '../node/load-model.ts'
import { readPersona } from '../node/persona-file.ts'
import { print, printJson } from './output.ts'

export async function inspectCommand(path: string, { json }: { readonly json?: boolean }): Promise<void> {
  const info = await stat(path).catch(() => undefined)
  if (info === undefined)
    throw new PalignError('not-found', `path ${path} does not exist`, { hint: 'give a model folder or a persona file' })
  const description = info.isDirectory() ? await describeModel(path) : await describePersona(path)
  if (json) printJson(description)
  else
    for (const [name, value] of Object.entries(description))
      print(`${name.padEnd(14)} ${typeof value === 'object' ? JSON.stringify(value) : value}`)
}

async function describeModel(folder: string): Promise<Record<string, unknown>> {
  const model = await loadModel(folder)
  try {
    const { shape, fingerprint } = model
    const { layers, heads, headDim } = shape
    return {
      kind: 'model',
      ...shape,
      fingerprint,
      tapped: `z, the input of o_proj: ${layers} layers x ${heads} heads x ${headDim}`,
      displacement: `${layers * heads * headDim} numbers`,
      selfTest: 'zero displacement is bit-exact, a unit displacement changes the logits',
    }
  } finally {
    await model.dispose()
  }
}

async function describePersona(file: string): Promise<Record<string, unknown>> {
  const persona = await readPersona(file)
  if (persona.kind === 'prompt') return { ...persona }
  const { interventions, ...rest } = persona
  return { ...rest, heads: interventions.map(({ layer, head, sigma }) => ({ layer, head, sigma })) }
}
