/** @file A recipe of training: stages, each with its data, length and learning rate, from a JSON file. */
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { PalignError } from '../errors.ts'
import { parseStrictJson } from '../formats/strict-json.ts'
import { readFileBounded } from './read-file.ts'

const MAX_RECIPE_BYTES = 1 << 20

/** Either `steps` or `epochs` says how long. */
export interface StageRecipe {
  /** JSONL files. */
  readonly data: readonly string[]
  readonly steps?: number | undefined
  readonly epochs?: number | undefined
  /** Padded tokens of a step; default 4,096. */
  readonly tokensPerStep?: number | undefined
  /** Default .0003. */
  readonly learningRate?: number | undefined
  /** Default: 3 % of the steps. */
  readonly warmupSteps?: number | undefined
  /** What the learning rate falls to by a cosine; default .1. */
  readonly finalFraction?: number | undefined
}

const positive = z.int().positive()
export const stageSchema = z
  .strictObject({
    data: z.array(z.string().min(1)).min(1),
    steps: positive.max(1e8).optional(),
    epochs: positive.max(10_000).optional(),
    tokensPerStep: positive.max(1e8).optional(),
    learningRate: z.number().positive().max(1).optional(),
    warmupSteps: z.int().nonnegative().optional(),
    finalFraction: z.number().min(0).max(1).optional(),
  })
  .refine(({ steps, epochs }) => (steps === undefined) !== (epochs === undefined), 'either steps or epochs must be given')
const recipeSchema = z.strictObject({ stages: z.array(stageSchema).min(1).max(1000) })

/** Paths of data are relative to the recipe. @throws PalignError `not-found`, `malformed-file` */
export async function readRecipe(path: string): Promise<StageRecipe[]> {
  const text = new TextDecoder().decode(await readFileBounded(path, MAX_RECIPE_BYTES))
  const { stages } = checked(recipeSchema, parseStrictJson(text, path), `recipe ${path}`, 'malformed-file')
  return stages.map(({ data, ...stage }) => ({ ...stage, data: data.map((name) => resolve(dirname(path), name)) }))
}

/** @throws PalignError `invalid-input` */
export function checkStage(stage: StageRecipe): StageRecipe {
  return checked(stageSchema, stage, 'stage', 'invalid-input')
}

function checked<T>(schema: z.ZodType<T>, value: unknown, name: string, code: 'malformed-file' | 'invalid-input'): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const where = issue?.path.length ? `${issue.path.join('.')}: ` : ''
  throw new PalignError(code, `${name} is not valid: ${where}${issue?.message}`, {
    hint: 'see "Training" in the README for the fields of a stage',
  })
}
