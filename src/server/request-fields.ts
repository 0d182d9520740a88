/** @file Fields that mean the same on both routes that generate, with their bounds; and how they become settings of a generation. */
import { z } from 'zod'
import type { GenerateRequest } from '../model/language-model.ts'
import { LARGEST_ALPHA, LONGEST_ID, MOST_PERSONAS } from './persona-shelf.ts'

export const MOST_CHOICES = 8
const MOST_STOPS = 4
/** Harnesses send all the stop texts of a task. */
export const MOST_RAW_STOPS = 16
const LONGEST_STOP = 256
/** Far above every context; what really fits is known when the prompt is. */
const MOST_TOKENS = 2 ** 30

export const count = (least: number, most: number) => z.number().int().min(least).max(most)
export const tokenCount = (least: number) => count(least, MOST_TOKENS)

const id = z.string().min(1).max(LONGEST_ID)
const chosen = z.strictObject({
  id,
  alpha: z
    .number()
    .min(-LARGEST_ALPHA)
    .max(LARGEST_ALPHA)
    .optional()
    .meta({ description: "strength in place of the persona's own" }),
})
export const persona = z
  .union([id, chosen, z.array(chosen).max(MOST_PERSONAS)])
  .nullish()
  .meta({ description: 'who answers; before the header X-Persona, which is before the model id. "none" is the base model' })

const stop = z.string().min(1).max(LONGEST_STOP)
export const stopTexts = (most: number) => z.union([stop, z.array(stop).max(most)]).nullish()

export const generationFields = {
  model: z.string().min(1).max(200).meta({ description: 'the base model, or base@persona' }),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  n: count(1, MOST_CHOICES).nullish(),
  seed: count(0, Number.MAX_SAFE_INTEGER).nullish(),
  stop: stopTexts(MOST_STOPS),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  persona,
}

export const streamOptionsNeedStream = <T extends { stream?: boolean | null | undefined; stream_options?: unknown }>(
  body: T,
  context: z.RefinementCtx,
) => {
  if (body.stream === true || body.stream_options === undefined || body.stream_options === null) return
  context.addIssue({
    code: 'custom',
    path: ['stream_options'],
    message: 'stands without stream',
    params: { code: 'invalid_value' },
  })
}

interface SamplingFields {
  readonly temperature?: number | null | undefined
  readonly top_p?: number | null | undefined
  readonly stop?: string | readonly string[] | null | undefined
}

/** As the API has it, an absent temperature is 1. */
export function settingsOf({ temperature, top_p, stop }: SamplingFields): Pick<GenerateRequest, 'temperature' | 'topP' | 'stop'> {
  return { temperature: temperature ?? 1, topP: top_p ?? 1, stop: stop === null || stop === undefined ? [] : [stop].flat() }
}

/** Every choice draws with a seed of its own, the same for the same request. */
export const seedOf = (seed: number, choice: number) => (seed + choice) % Number.MAX_SAFE_INTEGER
