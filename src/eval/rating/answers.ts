/** @file Answers to be compared by people: texts of two or more arms for the same prompt. */
import { z } from 'zod'
import { PalignError } from '../../errors.ts'
import { showableText } from '../markup.ts'

/** One answer of one arm, as a line of JSON gives it. */
export interface Answer {
  /** Of the prompt; answers of the same id are compared. */
  readonly id: string
  readonly prompt: string
  readonly arm: string
  readonly text: string
  /** Short description of the person the answer should suit, shown to the rater. */
  readonly persona?: string | undefined
}

/** A prompt with its answers by arm. */
export interface AnsweredPrompt {
  readonly id: string
  readonly prompt: string
  readonly persona: string | undefined
  readonly texts: ReadonlyMap<string, string>
}

export interface RatingPrompt {
  readonly id: string
  readonly prompt: string
  readonly persona?: string | undefined
}

const name = z.string().min(1).max(200)
const shown = z.string().max(100_000)
const promptLine = z.object({ id: name, prompt: shown.min(1), persona: z.string().max(4000).optional() })
const answerLine = promptLine.extend({ arm: name, text: shown })

/** @throws PalignError `malformed-file` naming the field */
export function parseAnswer(value: unknown): Answer {
  return parsed(answerLine, value, 'answer', '{"id", "prompt", "arm", "text", "persona"}')
}

/** @throws PalignError `malformed-file` naming the field */
export function parseRatingPrompt(value: unknown): RatingPrompt {
  return parsed(promptLine, value, 'prompt', '{"id", "prompt", "persona"}')
}

/** What zod found wrong first, as one of palign's own errors. */
export function parsed<T>(schema: z.ZodType<T>, value: unknown, what: string, shape: string): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new PalignError('malformed-file', `${what} has a wrong ${issue?.path.join('.') || 'form'}: ${issue?.message}`, {
    hint: `expected ${shape}`,
  })
}

/**
 * Answers by prompt, in the order in which prompts come first; prompts answered by one arm only are left out, as nothing is to be compared.
 * @throws PalignError `invalid-input` for two answers of an arm, or two wordings, of one id, and where fewer than two arms meet
 */
export function answeredPrompts(answers: Iterable<Answer>): AnsweredPrompt[] {
  const byId = new Map<string, { prompt: string; persona: string | undefined; texts: Map<string, string> }>()
  for (const { id, prompt, arm, text, persona } of answers) {
    const known = byId.get(id)
    if (known === undefined) {
      byId.set(id, { prompt, persona, texts: new Map([[arm, showableText(text)]]) })
      continue
    }
    if (known.prompt !== prompt || known.persona !== persona) {
      throw new PalignError('invalid-input', `answers of ${id} have two prompts or personas, expected the same for all arms`, {
        hint: 'raters compare answers to one prompt; give different prompts different ids',
      })
    }
    if (known.texts.has(arm)) throw new PalignError('invalid-input', `answers of ${id} have two of the arm ${arm}, expected one`)
    known.texts.set(arm, showableText(text))
  }
  const compared = Array.from(byId, ([id, { prompt, persona, texts }]) => ({
    id,
    prompt: showableText(prompt),
    persona: persona === undefined ? undefined : showableText(persona),
    texts,
  })).filter(({ texts }) => texts.size > 1)
  if (compared.length === 0) {
    throw new PalignError('invalid-input', `answers to ${byId.size} prompts have no prompt answered by two arms`, {
      hint: 'give the answers of two or more arms to the same id',
    })
  }
  return compared
}
