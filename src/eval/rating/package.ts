/** @file What raters are given, and the key that tells afterwards what they saw. The two are kept apart: nothing in a package names an arm. */
import { z } from 'zod'
import { PalignError } from '../../errors.ts'
import { parsed } from './answers.ts'

/** What a rater sees; comparisons and checks of attention look alike. */
export interface RatingTask {
  readonly task: string
  readonly prompt: string
  readonly persona?: string | undefined
  readonly left: string
  readonly right: string
}

export interface RatingPackage {
  /** Hash of everything below; ratings carry it. */
  readonly id: string
  readonly tasks: readonly RatingTask[]
  /** Tasks of every rater in their order. */
  readonly assignments: Readonly<Record<string, readonly string[]>>
}

const name = z.string().min(1).max(200)
const side = z.enum(['left', 'right'])
const count = z.number().int().min(0)
const comparison = z.object({
  /** Of the prompt. */
  id: name,
  first: name,
  second: name,
  /** Characters of both texts. */
  lengths: z.tuple([count, count]),
})
const keyed = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('comparison'), comparison: count, firstIs: side }),
  z.object({ kind: z.literal('attention'), choose: side }),
])
const key = z.object({
  kind: z.literal('rating-key'),
  package: name,
  version: name,
  seed: z.number(),
  arms: z.array(name).min(2).max(1000),
  /** Pairs of answers that are the same text: nobody was asked about them. */
  identicalTexts: count,
  comparisons: z.array(comparison).min(1).max(100_000),
  tasks: z.record(name, keyed),
  assignments: z.record(name, z.array(name).max(10_000)),
})

export type RatingKey = z.infer<typeof key>
export type Comparison = RatingKey['comparisons'][number]
export type KeyedTask = RatingKey['tasks'][string]

/** @throws PalignError `malformed-file` */
export function parseRatingKey(json: unknown): RatingKey {
  const read = parsed(key, json, 'key', 'the key.json that palign rate export wrote')
  const arms = new Set(read.arms)
  for (const [place, { first, second }] of read.comparisons.entries()) {
    if (arms.has(first) && arms.has(second) && first !== second) continue
    throw new PalignError(
      'malformed-file',
      `key compares ${first} with ${second} in comparison ${place}, expected two of its arms`,
    )
  }
  for (const [task, entry] of Object.entries(read.tasks)) {
    if (entry.kind !== 'comparison' || entry.comparison < read.comparisons.length) continue
    throw new PalignError(
      'malformed-file',
      `key has task ${task} of comparison ${entry.comparison}, expected one below ${read.comparisons.length}`,
    )
  }
  return read
}

/** One task a line. */
export function packageLines({ tasks }: RatingPackage): string {
  return tasks.map((task) => `${JSON.stringify(task)}\n`).join('')
}

/** Arms whose names stand in a text that raters see: such a text may give them away. */
export function armsNamedIn({ tasks }: RatingPackage, arms: readonly string[]): string[] {
  return arms.filter((arm) => arm.length > 3 && tasks.some((task) => Object.values(task).some((text) => text.includes(arm))))
}
