/** @file Rotary position embedding in config.json, in its old spelling (`rope_theta`, `rope_scaling`) and its new one (`rope_parameters`). */
import { z } from 'zod'
import { PalignError } from '../errors.ts'

export type RopeScaling =
  | { readonly kind: 'default' }
  | { readonly kind: 'linear'; readonly factor: number }
  | {
      readonly kind: 'llama3'
      readonly factor: number
      readonly lowFrequencyFactor: number
      readonly highFrequencyFactor: number
      /** Context of the model before it was extended, in tokens. */
      readonly originalContext: number
    }
  /** One divisor for each pair, as GGUF files have them; a spelling of ours. */
  | { readonly kind: 'factors'; readonly factors: readonly number[] }

export interface RopeConfig {
  readonly theta: number
  readonly scaling: RopeScaling
}

const KINDS = ['default', 'linear', 'llama3', 'factors'] as const
const DEFAULT_THETA = 10_000

const theta = z.number().min(1).max(1e12)
const factor = z.number().min(1).max(1e4)
const schemas = {
  default: z.object({}).transform((): RopeScaling => ({ kind: 'default' })),
  linear: z.object({ factor }).transform((fields): RopeScaling => ({ kind: 'linear', factor: fields.factor })),
  llama3: z
    .object({
      factor,
      low_freq_factor: factor,
      high_freq_factor: factor,
      original_max_position_embeddings: z
        .number()
        .int()
        .min(1)
        .max(2 ** 26),
    })
    .refine((fields) => fields.high_freq_factor > fields.low_freq_factor, 'high_freq_factor must be above low_freq_factor')
    .transform(
      (fields): RopeScaling => ({
        kind: 'llama3',
        factor: fields.factor,
        lowFrequencyFactor: fields.low_freq_factor,
        highFrequencyFactor: fields.high_freq_factor,
        originalContext: fields.original_max_position_embeddings,
      }),
    ),
  factors: z
    .object({ factors: z.array(z.number().min(1e-4).max(1e8)).min(1).max(512) })
    .transform((fields): RopeScaling => ({ kind: 'factors', factors: fields.factors })),
} satisfies Record<(typeof KINDS)[number], unknown>

const parameters = z.looseObject({
  rope_type: z.string().nullish(),
  type: z.string().nullish(),
  rope_theta: theta.nullish(),
  partial_rotary_factor: z.number().nullish(),
})
const spellings = z.object({
  rope_theta: theta.nullish(),
  partial_rotary_factor: z.number().nullish(),
  rope_scaling: parameters.nullish(),
  rope_parameters: parameters.nullish(),
})

/** Throws `unsupported-model` for a scaling we do not know, naming it, and `malformed-file` for wrong numbers. */
export function readRope(config: unknown): RopeConfig {
  const fields = check(spellings.safeParse(config))
  const { rope_theta, partial_rotary_factor, ...scaling } = fields.rope_parameters ?? fields.rope_scaling ?? {}
  if ((partial_rotary_factor ?? fields.partial_rotary_factor ?? 1) !== 1) {
    throw unsupported('rotary embedding covers part of a head, supported is all of it')
  }
  return {
    theta: rope_theta ?? fields.rope_theta ?? DEFAULT_THETA,
    scaling: check(schemas[scalingKind(scaling)].safeParse(scaling)),
  }
}

function scalingKind({ rope_type: newName, type: oldName, ...numbers }: z.infer<typeof parameters>): (typeof KINDS)[number] {
  // Numbers under no name would scale in a way we cannot know.
  const name = newName ?? oldName ?? (Object.keys(numbers).length === 0 ? 'default' : 'not named')
  const kind = KINDS.find((known) => known === name)
  if (kind !== undefined) return kind
  throw unsupported(`rope scaling is ${name.slice(0, 100)}, supported are ${KINDS.join(', ')}`)
}

function check<T>(result: z.ZodSafeParseResult<T>): T {
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new PalignError('malformed-file', `config of the rotary embedding is wrong: ${issue?.path.join('.')} ${issue?.message}`, {
    hint: 'fetch the config.json of the model again',
  })
}

function unsupported(message: string): PalignError {
  return new PalignError('unsupported-model', message, { hint: 'choose a model of the Llama or Mistral family' })
}
