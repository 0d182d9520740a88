/** @file `palign inspect`: what a model, a persona file or an adapter folder holds. */
import { access, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PalignError } from '../errors.ts'
import { type PrecisionError, precisionError } from '../eval/precision-error.ts'
import type { Adapter } from '../model/adapter.ts'
import type { LanguageModel } from '../model/language-model.ts'
import type { Precision } from '../model/precision.ts'
import { ADAPTER_CONFIG } from '../node/adapter-folder.ts'
import type { Device } from '../node/device-names.ts'
import { loadModel } from '../node/load-model.ts'
import { folderInPrecision } from '../node/model-precision.ts'
import { isGgufName, modelFolderOf } from '../node/model-source.ts'
import { locateOnnx, modelPlace } from '../node/onnx-location.ts'
import { describeOnnx } from '../node/open-onnx.ts'
import { readPersona } from '../node/persona-file.ts'
import { contentHash } from '../persona/content-hash.ts'
import { isExpired } from '../persona/expiry.ts'
import type { StoredPersona } from '../persona/persona.ts'
import { triedAlphas } from '../persona/persona-record.ts'
import { openModel } from './open-model.ts'
import { print, printJson } from './output.ts'
import { type PassphraseOptions, passphraseOf } from './passphrase.ts'

interface InspectOptions extends PassphraseOptions {
  readonly dtype?: Precision
  readonly device?: Device
  readonly json?: boolean
}

export async function inspectCommand(path: string, options: InspectOptions): Promise<void> {
  const info = await stat(path).catch(() => undefined)
  if (info === undefined)
    throw new PalignError('not-found', `path ${path} does not exist`, {
      hint: 'give a model folder, a .gguf or .onnx file, or a persona file',
    })
  const isFile = isGgufName(path) || path.endsWith('.onnx')
  const isModel = info.isDirectory() ? !(await exists(join(path, ADAPTER_CONFIG))) : isFile
  const description = isModel ? await describeModel(path, options) : await describePersona(path, options)
  if (options.json) printJson(description)
  else
    for (const [name, value] of Object.entries(description))
      if (value !== undefined) print(`${name.padEnd(14)} ${typeof value === 'object' ? JSON.stringify(value) : value}`)
}

async function describeModel(path: string, { dtype, device = 'cpu' }: InspectOptions): Promise<Record<string, unknown>> {
  const { folder: source, onnxFile } = modelPlace(path)
  const folder = await modelFolderOf(source)
  const onnx = await locateOnnx(folder, onnxFile)
  const model = await openModel({ model: path, dtype, device })
  try {
    const { shape, fingerprint } = model
    const { layers, heads, headDim } = shape
    return {
      kind: 'model',
      ...shape,
      fingerprint,
      tapped: `z, the input of o_proj: ${layers} layers x ${heads} heads x ${headDim}`,
      displacement: `${layers * heads * headDim} numbers`,
      weights: dtype ?? 'as they are',
      device: device === 'cpu' ? device : `${device}, whose answers are those of the CPU`,
      againstF32: onnx === undefined ? await againstF32(model, folder) : undefined,
      onnx: onnx && (await describeOnnx(onnx)),
      selfTest: 'zero displacement is bit-exact, a unit displacement changes the logits',
    }
  } finally {
    await model.dispose()
  }
}

/** Undefined where the weights are in f32 as they are used. */
async function againstF32(model: LanguageModel, folder: string): Promise<PrecisionError | undefined> {
  const scratch = await mkdtemp(join(tmpdir(), 'palign-f32-'))
  try {
    const whole = await folderInPrecision(folder, { precision: 'f32', cache: scratch })
    const reference = await loadModel(whole)
    try {
      return reference.fingerprint === model.fingerprint ? undefined : await precisionError(model, reference)
    } finally {
      await reference.dispose()
    }
  } finally {
    await rm(scratch, { recursive: true, force: true })
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
