/** @file `palign inspect`: what a model folder, a persona file or an adapter folder holds. */
import { access, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { PalignError } from '../errors.ts'
import type { Adapter } from '../model/adapter.ts'
import { ADAPTER_CONFIG } from '../node/adapter-folder.ts'
import { loadModel } from '../node/load-model.ts'
import { readPersona } from '../node/persona-file.ts'
import { contentHash } from '../persona/content-hash.ts'
import { isExpired } from '../persona/expiry.ts'
import type { StoredPersona } from '../persona/persona.ts'
import { triedAlphas } from '../persona/persona-record.ts'
import { print, printJson } from './output.ts'
import { type PassphraseOptions, passphraseOf } from './passphrase.ts'

interface InspectOptions extends PassphraseOptions {
  readonly json?: boolean
}

export async function inspectCommand(path: string, options: InspectOptions): Promise<void> {
  const info = await stat(path).catch(() => undefined)
  if (info === undefined)
    throw new PalignError('not-found', `path ${path} does not exist`, { hint: 'give a model folder or a persona file' })
  const isModel = info.isDirectory() && !(await exists(join(path, ADAPTER_CONFIG)))
  const description = isModel ? await describeModel(path) : await describePersona(path, options)
  if (options.json) printJson(description)
  else
    for (const [name, value] of Object.entries(description))
      if (value !== undefined) print(`${name.padEnd(14)} ${typeof value === 'object' ? JSON.stringify(value) : value}`)
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

async function describePersona(file: string, options: PassphraseOptions): Promise<Record<string, unknown>> {
  const persona = await readPersona(file, { passphrase: passphraseOf(options) })
  const expired = isExpired(persona, Date.now())
  return { kind: persona.kind, ...actsOf(persona), ...persona.about, expired, sha256: await contentHash(persona) }
}

/** How it acts, without its numbers. */
function actsOf({ about: _, ...persona }: StoredPersona): Record<string, unknown> {
  if (persona.kind === 'prompt') return persona
  if (persona.kind === 'adapter') {
    const { adapter, ...rest } = persona
    const { rank, alpha, targets, pairs } = adapter
    const size = { parameters: parameterCount(pairs), modules: pairs.size }
    return { ...rest, model: persona.model ?? 'unknown', rank, alpha, targets, ...size }
  }
  const { interventions, calibration, ...rest } = persona
  return {
    ...{ ...rest, op: 'add', tokens: 'all', layersFrom: 0, alphas: triedAlphas(calibration) },
    calibration: calibration.curve.length === 0 ? 'not measured' : calibration,
    heads: interventions.map(({ layer, head, sigma }) => ({ layer, head, sigma })),
  }
}

function parameterCount(pairs: Adapter['pairs']): number {
  return [...pairs.values()].reduce((sum, { a, b }) => sum + a.length + b.length, 0)
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
