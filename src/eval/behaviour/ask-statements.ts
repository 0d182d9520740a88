/**
 * @file A model answers persona statements: log p(Yes) - log p(No) after the question, the mean over two forms that name the two words in
 * either order. Half of the statements are matched by No, so a liking for Yes adds nothing to the mean score of a trait.
 */
import { splitAtDifference } from '../../align/questions.ts'
import { PalignError, throwIfAborted } from '../../errors.ts'
import { DEFAULT_SYSTEM_PROMPT } from '../../items/question-form.ts'
import { mean } from '../../math/statistics.ts'
import type { LanguageModel, RunOptions, ScoreRequest } from '../../model/language-model.ts'
import type { StatementSet } from './draw-statements.ts'
import type { TraitId } from './traits.ts'

const FORMS = ['Answer with Yes or No.', 'Answer with No or Yes.'] as const
const WORDS = ['Yes', 'No'] as const

/** Statements of a trait, ready to be asked under any steering. */
export interface AskedStatements {
  readonly trait: TraitId
  /** `[statements]`: 1 where Yes matches the trait, -1 where No does. */
  readonly keys: Int8Array
  /** `[forms, statements]`, continuations Yes and No. */
  readonly requests: readonly ScoreRequest[]
}

export interface StatementScores {
  readonly trait: TraitId
  readonly keys: Int8Array
  /** `[statements]`: log p(Yes) - log p(No), nats, mean over the forms. */
  readonly leaning: Float64Array
  /** `[statements]`: probability of anything but the two words, mean over the forms. */
  readonly unanswered: Float64Array
}

export async function renderStatements(
  model: Pick<LanguageModel, 'render'>,
  { trait, statements }: StatementSet,
  { system = DEFAULT_SYSTEM_PROMPT, signal }: { readonly system?: string | undefined } & Pick<RunOptions, 'signal'> = {},
): Promise<AskedStatements> {
  const requests: ScoreRequest[] = []
  for (const form of FORMS) {
    for (const { question } of statements) {
      throwIfAborted(signal)
      const messages = [
        { role: 'system', content: system },
        { role: 'user', content: `${question}\n${form}` },
      ] as const
      requests.push(splitAtDifference(await Promise.all(WORDS.map((word) => model.render(messages, { continueWith: word })))))
    }
  }
  return { trait, keys: Int8Array.from(statements, ({ matching }) => (matching === 'Yes' ? 1 : -1)), requests }
}

/** One element for each set. @throws PalignError `non-finite` where the model gives no number */
export async function askStatements(
  model: Pick<LanguageModel, 'score'>,
  sets: readonly AskedStatements[],
  options: RunOptions = {},
): Promise<StatementScores[]> {
  const scores = await model.score(
    sets.flatMap(({ requests }) => requests),
    options,
  )
  let start = 0
  return sets.map(({ trait, keys, requests }) => {
    const own = scores.slice(start, start + requests.length)
    start += requests.length
    const leaning = new Float64Array(keys.length)
    const unanswered = new Float64Array(keys.length)
    own.forEach((words, r) => {
      const [yes, no] = words as unknown as readonly [number, number]
      leaning[r % keys.length]! += (yes - no) / FORMS.length
      // Rounding may leave a little more than everything to the two words.
      unanswered[r % keys.length]! += Math.max(0, 1 - Math.exp(yes) - Math.exp(no)) / FORMS.length
    })
    if (!leaning.every(Number.isFinite)) {
      throw new PalignError('non-finite', `model gives no finite log-probability of Yes and No to statements of ${trait}`)
    }
    return { trait, keys, leaning, unanswered }
  })
}

/** `[statements]`: positive towards the answer that matches the trait. */
export function signedScores({ keys, leaning }: StatementScores): Float64Array {
  return leaning.map((value, i) => keys[i]! * value)
}

export interface TraitBehaviour {
  readonly trait: TraitId
  /** Mean signed score, nats. */
  readonly score: number
  /** Share of statements answered as somebody with the trait does; a tie counts half. */
  readonly matching: number
  /** Mean probability of anything but Yes and No. */
  readonly unanswered: number
  /** Mean of log p(Yes) - log p(No) whatever the key, nats: a liking for Yes. */
  readonly yesBias: number
}

export function traitBehaviour(scores: StatementScores): TraitBehaviour {
  const signed = signedScores(scores)
  return {
    trait: scores.trait,
    score: mean(signed),
    matching: mean(signed.map((value) => (Math.sign(value) + 1) / 2)),
    unanswered: mean(scores.unanswered),
    yesBias: mean(scores.leaning),
  }
}

/**
 * The unit of effects: standard deviation of the scores around the mean of the statements with the same key, n - 2 in the denominator.
 * Around the common mean a liking for Yes would count as spread, and make every effect look small.
 */
export function spreadOfScores({ keys, leaning }: StatementScores): number {
  let squares = 0
  for (const key of [1, -1]) {
    const own = leaning.filter((_, i) => keys[i] === key)
    const centre = mean(own)
    for (const value of own) squares += (value - centre) ** 2
  }
  return Math.sqrt(squares / (leaning.length - 2))
}
