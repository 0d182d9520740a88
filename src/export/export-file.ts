/** @file What the writers of vector files take and give. */
import { PalignError } from '../errors.ts'
import { assertDisplacement, type Displacement } from '../model/displacement.ts'
import type { OutputWeights } from '../model/output-bias.ts'
import type { HeadId, ModelShape } from '../model/shape.ts'
import { compileDisplacement } from '../persona/compile.ts'
import type { PromptSteeringPersona, SteeringPersona } from '../persona/persona.ts'
import type { ApproximationError } from './approximation-error.ts'

export interface ExportFile {
  /** A plain file name. */
  readonly name: string
  readonly bytes: Uint8Array
}

/** A persona as vectors. Its prompt, if it has one, is not theirs to carry. */
export interface VectorSource {
  /** What the files are called, without an ending. */
  readonly name: string
  readonly persona: SteeringPersona | PromptSteeringPersona
  /** The persona at its own alpha, as `compileDisplacement` gives it. */
  readonly displacement: Displacement
  readonly shape: ModelShape
  /** `model_type` of the model's config.json. */
  readonly modelType: string
  readonly outputWeights: OutputWeights
  /** Of a format that only approximates the persona, where it was measured. */
  readonly measured?: ApproximationError | undefined
  /** Shares of validation rows on the right side, where they are known: a persona file does not keep them. */
  readonly probes?: readonly (HeadId & { readonly validationAccuracy: number })[] | undefined
}

/** @throws PalignError `incompatible-persona` unless persona, displacement and shape belong together: some formats carry one, some the other */
export function assertVectorSource({ persona, displacement, shape }: VectorSource): void {
  assertDisplacement(displacement, shape)
  const compiled = compileDisplacement(persona.interventions, persona.alpha, shape)
  if (compiled.some((x, i) => x !== displacement[i])) {
    throw new PalignError('incompatible-persona', `displacement is not that of the persona at its alpha, ${persona.alpha}`, {
      hint: 'compile the persona again, with the alpha that is to be exported in it',
    })
  }
}

export function textFile(name: string, text: string): ExportFile {
  return { name, bytes: new TextEncoder().encode(text) }
}

/** @throws PalignError `invalid-input` for a persona that does nothing, in formats that hold nothing but what it does */
export function assertMoves({ displacement, persona }: VectorSource): void {
  if (displacement.some((x) => x !== 0)) return
  throw new PalignError(
    'invalid-input',
    `persona moves nothing: its alpha is ${persona.alpha}, of ${persona.interventions.length} heads`,
    {
      hint: 'choose another alpha, or leave the model as it is',
    },
  )
}
