/**
 * @file The items of capability sets as their files hold them: multiple choice, TruthfulQA with its two lists of answers, and word problems.
 * What names no id is known by its question.
 */
import { z } from 'zod'
import { PalignError } from '../../errors.ts'

const text = z.string().min(1).max(200_000)

const choiceItem = z
  .object({
    id: z.union([text, z.number()]).optional(),
    subject: text.optional(),
    question: text,
    choices: z.array(text).min(2).max(64),
    answer: z.int().min(0),
  })
  .refine(({ answer, choices }) => answer < choices.length, { path: ['answer'], message: 'no choice has this number' })

const targets = z.record(text, z.union([z.literal(0), z.literal(1)]))
const truthItem = z.object({ question: text, mc1_targets: targets, mc2_targets: targets })
const problemItem = z.object({ question: text, answer: text })

export interface ChoiceItem {
  readonly id: string
  readonly subject: string | undefined
  readonly question: string
  readonly choices: readonly string[]
  /** Which choice is right, from 0. */
  readonly answer: number
}

/** An answer and whether it is true. */
export type TruthTarget = readonly [answer: string, isTrue: boolean]

export interface TruthItem {
  readonly id: string
  readonly question: string
  /** Exactly one is true. */
  readonly mc1: readonly TruthTarget[]
  /** At least one is true and one is not. */
  readonly mc2: readonly TruthTarget[]
}

/** A question with its answer, shown before the questions that are asked. */
export interface ExampleItem {
  readonly question: string
  readonly answer: string
}

export interface ProblemItem {
  readonly id: string
  readonly question: string
  /** Worked solution; the result stands after `####`. */
  readonly answer: string
}

/** `{id?, question, choices[], answer, subject?}`, answer from 0. @throws PalignError `malformed-file` naming the field */
export function parseChoiceItem(value: unknown): ChoiceItem {
  const { id, subject, question, choices, answer } = checked(choiceItem, value)
  return { id: String(id ?? question), subject, question, choices, answer }
}

/** `{question, mc1_targets, mc2_targets}`, each target an answer with 1 for true and 0 for false. @throws PalignError `malformed-file` */
export function parseTruthItem(value: unknown): TruthItem {
  const { question, mc1_targets, mc2_targets } = checked(truthItem, value)
  const [mc1, mc2] = [mc1_targets, mc2_targets].map((list) =>
    Object.entries(list).map(([answer, label]): TruthTarget => [answer, label === 1]),
  ) as [TruthTarget[], TruthTarget[]]
  const truths = (list: readonly TruthTarget[]) => list.filter(([, isTrue]) => isTrue).length
  if (truths(mc1) !== 1) throw malformed(`mc1_targets have ${truths(mc1)} true answers, expected 1`)
  if (truths(mc2) === 0 || truths(mc2) === mc2.length) throw malformed('mc2_targets are not both true and false')
  return { id: question, question, mc1, mc2 }
}

/** `{question, answer}` @throws PalignError `malformed-file` */
export function parseExampleItem(value: unknown): ExampleItem {
  return checked(problemItem, value)
}

/** `{question, answer}` with the result after `####`. @throws PalignError `malformed-file` */
export function parseProblemItem(value: unknown): ProblemItem {
  const { question, answer } = checked(problemItem, value)
  if (!/#### *\S/.test(answer)) throw malformed('answer has no result after ####')
  return { id: question, question, answer }
}

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw malformed(`${issue?.path.join('.') || 'the whole'}: ${issue?.message}`)
}

function malformed(what: string): PalignError {
  return new PalignError('malformed-file', `item cannot be used: ${what}`)
}
