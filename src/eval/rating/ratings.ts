/** @file Ratings as they come back from raters, and the votes that they are once the key has said what was seen. */
import { z } from 'zod'
import { PalignError } from '../../errors.ts'
import { parsed } from './answers.ts'
import type { RatingKey } from './package.ts'

export const CHOICES = ['left', 'right', 'tie', 'both-bad'] as const
export type Choice = (typeof CHOICES)[number]

/** Grades go from 1 to this. */
export const HIGHEST_GRADE = 6

const grade = z.number().int().min(1).max(HIGHEST_GRADE).nullish()
const rating = z.object({
  package: z.string().min(1).max(200),
  rater: z.string().min(1).max(200),
  task: z.string().min(1).max(200),
  choice: z.enum(CHOICES),
  /** Grades of the two answers; absent where not given. */
  left: grade,
  right: grade,
})

export type Rating = z.infer<typeof rating>

/** A rating and where it stands, for errors. */
export interface PlacedRating {
  readonly place: string
  readonly rating: Rating
}

/** A line of what the page gives. @throws PalignError `malformed-file` naming the field */
export function parseRating(value: unknown): Rating {
  return parsed(rating, value, 'rating', '{"package", "rater", "task", "choice", "left", "right"}')
}

export const OUTCOMES = ['first', 'second', 'tie', 'both-bad'] as const
export type Outcome = (typeof OUTCOMES)[number]

/** A rating in terms of arms instead of sides. */
export interface Vote {
  readonly rater: string
  /** Place in the key. */
  readonly comparison: number
  readonly outcome: Outcome
  /** Of the first and the second arm's answer. */
  readonly grades: readonly [number | undefined, number | undefined]
}

export interface Ballot {
  /** The first of each rater on each comparison. */
  readonly votes: readonly Vote[]
  /** The same rater on the same comparison once more. */
  readonly repeats: readonly { readonly before: Vote; readonly again: Vote }[]
  /** All whose votes count. */
  readonly raters: readonly string[]
  /** Raters who passed over more checks of attention than allowed. */
  readonly dropped: readonly DroppedRater[]
}

export interface DroppedRater {
  readonly rater: string
  readonly checks: number
  readonly failed: number
}

/**
 * Votes of the raters who were attentive.
 * @param allowedFailures checks of attention that a rater may fail; default none
 * @throws PalignError `invalid-input`, naming the place, for ratings of another package, of unknown tasks, and given twice
 */
export function countBallot(
  key: RatingKey,
  ratings: Iterable<PlacedRating>,
  { allowedFailures = 0 }: { readonly allowedFailures?: number | undefined } = {},
): Ballot {
  const byRater = new Map<string, Map<string, PlacedRating>>()
  for (const placed of ratings) {
    checkRating(key, placed)
    const { rater, task } = placed.rating
    const own = byRater.get(rater) ?? new Map<string, PlacedRating>()
    const earlier = own.get(task)
    if (earlier !== undefined) {
      throw new PalignError(
        'invalid-input',
        `${placed.place} rates task ${task} by ${rater} again, first rated at ${earlier.place}`,
        {
          hint: 'give every file of ratings once, and keep one rating of a task by a rater',
        },
      )
    }
    byRater.set(rater, own.set(task, placed))
  }
  const votes: Vote[] = []
  const repeats: { before: Vote; again: Vote }[] = []
  const raters: string[] = []
  const dropped: DroppedRater[] = []
  for (const rater of [...byRater.keys()].sort()) {
    const own = inOrder(key, rater, byRater.get(rater)!)
    const { checks, failed } = attentionOf(key, own)
    if (failed > allowedFailures) {
      dropped.push({ rater, checks, failed })
      continue
    }
    raters.push(rater)
    const first = new Map<number, Vote>()
    for (const vote of own.flatMap((each) => voteOf(key, each) ?? [])) {
      const before = first.get(vote.comparison)
      if (before === undefined) {
        first.set(vote.comparison, vote)
        votes.push(vote)
      } else repeats.push({ before, again: vote })
    }
  }
  return { votes, repeats, raters, dropped }
}

function checkRating(key: RatingKey, { place, rating }: PlacedRating): void {
  if (rating.package !== key.package) {
    throw new PalignError('invalid-input', `${place} rates package ${rating.package}, the key is of package ${key.package}`, {
      hint: 'give the key.json that was exported together with what the rater had',
    })
  }
  if (!Object.hasOwn(key.tasks, rating.task)) {
    throw new PalignError('invalid-input', `${place} rates task ${rating.task}, which the key does not have`)
  }
}

/** As the rater was given the tasks; in the order of the file where the key knows no such rater. */
function inOrder({ assignments }: RatingKey, rater: string, own: ReadonlyMap<string, PlacedRating>): Rating[] {
  const assigned = Object.hasOwn(assignments, rater) ? assignments[rater]! : []
  const given = assigned.flatMap((task) => own.get(task) ?? [])
  const known = new Set(given)
  return [...given, ...[...own.values()].filter((placed) => !known.has(placed))].map(({ rating }) => rating)
}

function attentionOf({ tasks }: RatingKey, own: readonly Rating[]): { checks: number; failed: number } {
  let [checks, failed] = [0, 0]
  for (const { task, choice } of own) {
    const entry = tasks[task]!
    if (entry.kind !== 'attention') continue
    checks++
    if (choice !== entry.choose) failed++
  }
  return { checks, failed }
}

function voteOf({ tasks }: RatingKey, { rater, task, choice, left, right }: Rating): Vote | undefined {
  const entry = tasks[task]!
  if (entry.kind === 'attention') return undefined
  const { comparison, firstIs } = entry
  const outcome = choice === 'left' || choice === 'right' ? (choice === firstIs ? 'first' : 'second') : choice
  const [first, second] = firstIs === 'left' ? [left, right] : [right, left]
  return { rater, comparison, outcome, grades: [first ?? undefined, second ?? undefined] }
}
