/** @file `exportPersona`: a persona leaves palign inside a model, for another program, verified there. */
import { PalignError } from '../errors.ts'
import type { Carrier } from '../export/bias.ts'
import type { Verification } from '../export/verification-note.ts'
import { type Displacement, zeroDisplacement } from '../model/displacement.ts'
import type { LanguageModel } from '../model/language-model.ts'
import type { Precision } from '../model/precision.ts'
import { compilePersona, type StoredPersona } from '../persona/persona.ts'
import { ggufTarget } from './export-gguf.ts'
import { hfTarget } from './export-hf.ts'
import { ollamaTarget } from './export-ollama.ts'
import { onnxTarget } from './export-onnx.ts'
import type { ExportTarget } from './export-target.ts'
import type { ExportTargetName } from './export-targets.ts'
import { loadModel } from './load-model.ts'
import { folderOfModel } from './model-precision.ts'
import { isGgufName } from './model-source.ts'
import { packageVersion } from './package-version.ts'
import { writeVerified } from './write-verified.ts'

export interface ExportPersonaOptions {
  readonly persona: StoredPersona
  /** Model folder or GGUF file the persona was fitted on. */
  readonly model: string
  /** The precision that it was fitted in; default: the model as it is. */
  readonly dtype?: Precision | undefined
  readonly target: ExportTargetName
  /** File or folder to write. */
  readonly to: string
  /** Standard deviations, in place of the persona's own strength. */
  readonly alpha?: number | undefined
  /** Of onnx: in the graph, or an input that is zero unless it is fed; default baked. */
  readonly as?: 'baked' | 'input' | undefined
  /** Of gguf and ollama: which bias; default the one of the attention output where the architecture has one. */
  readonly carrier?: Carrier | undefined
  /** Of gguf and ollama: a GGUF file of the same model, whose tensors and tokenizer are taken over. */
  readonly source?: string | undefined
  /** Of gguf: no vocabulary in the file, for programs that give token ids. */
  readonly withoutTokenizer?: boolean | undefined
  /** Refuses what no installed program can run; default false, the export then says that it is unverified. */
  readonly requireVerified?: boolean | undefined
  /** Day of the verification; default today. */
  readonly date?: string | undefined
  readonly openModel?: ((folder: string) => Promise<LanguageModel>) | undefined
}

export interface ExportResult {
  readonly target: ExportTargetName
  readonly path: string
  readonly carrier: Readonly<Record<string, string>>
  /** Whether the persona's system prompt is in the export. */
  readonly prompt: 'none' | 'carried' | 'not carried'
  /** A bias steers prompt and answer alike, as palign does. */
  readonly scope: 'prompt and answer'
  readonly verification: Verification
}

/**
 * @throws PalignError `incompatible-persona` for a persona that the target has no place for; `engine-failed` where the target does not answer as the steered engine
 * (nothing is left behind); what loading a model throws
 */
export async function exportPersona(options: ExportPersonaOptions): Promise<ExportResult> {
  const { persona, target: name, to, requireVerified = false, openModel = loadModel } = options
  refuseWithoutPlace(persona, name)
  const folder = await folderOfModel(options.model, options.dtype)
  const model = await openModel(folder)
  try {
    const { displacement = zeroDisplacement(model.shape), system } = compilePersona(persona, model, options)
    const target = await openTarget(withSource(options, folder), { displacement, system, model, openModel })
    const date = options.date ?? new Date().toISOString().slice(0, 10)
    const verification = await writeVerified({ target, to, model, displacement, system, requireVerified, date })
    return {
      target: name,
      path: to,
      carrier: target.facts,
      prompt: system === undefined ? 'none' : name === 'ollama' ? 'carried' : 'not carried',
      scope: 'prompt and answer',
      verification,
    }
  } finally {
    await model.dispose()
  }
}

/** A model that is a GGUF file is its own source. */
function withSource(options: ExportPersonaOptions, folder: string): ExportPersonaOptions {
  return { ...options, model: folder, source: options.source ?? (isGgufName(options.model) ? options.model : undefined) }
}

function refuseWithoutPlace(persona: StoredPersona, target: ExportTargetName): void {
  if (persona.kind === 'adapter') {
    throw new PalignError('incompatible-persona', 'persona is an adapter, expected one that steers', {
      hint: 'an adapter is merged into the weights (writeMergedModel), or used as the PEFT folder that it is',
    })
  }
  if (persona.kind === 'prompt' && target !== 'ollama') {
    throw new PalignError('incompatible-persona', `persona is a prompt, a model of target ${target} has no place for one`, {
      hint: 'send its text as the system message, or export to ollama',
    })
  }
}

interface Compiled {
  readonly displacement: Displacement
  readonly system: string | undefined
  readonly model: LanguageModel
  readonly openModel: (folder: string) => Promise<LanguageModel>
}

async function openTarget(
  options: ExportPersonaOptions,
  { model, openModel, displacement, system }: Compiled,
): Promise<ExportTarget> {
  const { persona, model: folder } = options
  const provenance = provenanceOf(persona, options.alpha, model.fingerprint)
  switch (options.target) {
    case 'hf':
      return hfTarget({ folder, openModel, provenance })
    case 'gguf':
      return ggufTarget({ ...options, folder, displacement, provenance })
    case 'ollama':
      return ollamaTarget({ ...options, folder, displacement, provenance, system })
    case 'onnx':
      return onnxTarget({ folder, as: options.as ?? 'baked', provenance })
    default:
      return options.target satisfies never
  }
}

/** What the file says of where it comes from; nothing about the person. */
function provenanceOf(persona: StoredPersona, alpha: number | undefined, model: string): Record<string, string> {
  const strength = alpha ?? ('alpha' in persona ? persona.alpha : undefined)
  return {
    'palign.version': packageVersion(),
    'palign.method': 'method' in persona ? persona.method : 'none',
    'palign.model': model,
    ...(strength !== undefined && { 'palign.alpha': String(strength) }),
  }
}
