/**
 * @file What steering does to text as text (evaluation protocol, section 10): how likely a fixed text is under an arm, how likely the unsteered
 * model finds what the arm writes, and how much the arm repeats itself.
 *
 *     perplexity = exp(-sum log p / tokens)    bits per byte = -sum log p / (ln 2 * UTF-8 bytes)
 */
import { PalignError, throwIfAborted } from '../errors.ts'
import { mean } from '../math/statistics.ts'
import type { LanguageModel } from '../model/language-model.ts'
import type { Arm } from './arm.ts'
import { armDigest } from './arm-digest.ts'
import { type GreedyAnswer, greedyAnswer } from './greedy-answer.ts'
import { distinctShare, nGrams, wordsOf } from './n-grams.ts'
import { NEUTRAL_PROMPTS } from './neutral-prompts.ts'
import { NEUTRAL_TEXT } from './neutral-text.ts'
import type { OnStage } from './stage.ts'
import { readUnit, runUnits, type UnitStore, unitKey } from './units.ts'

export interface TextLikelihood {
  readonly perplexity: number
  readonly bitsPerByte: number
}

/** Of answers to the neutral prompts. */
export interface Writing {
  /** Under the unsteered model. */
  readonly generationPerplexity: number
  /** Word four-grams of an answer that came before in it, of all; mean over answers that have any, NaN where none has. */
  readonly repetition: number
  /** Different words, and pairs of neighbours, of all, over all answers. */
  readonly distinct1: number
  readonly distinct2: number
  readonly meanTokens: number
}

export interface TextQuality extends TextLikelihood, Writing {
  readonly arm: string
  /** Of the texts that were given, in their order. */
  readonly texts: readonly TextLikelihood[]
}

export interface TextQualityOptions {
  readonly model: LanguageModel
  readonly arms: readonly Arm[]
  /** Texts beside the neutral one. */
  readonly texts?: readonly string[] | undefined
  readonly maxTokens: number
  readonly units: UnitStore
  readonly version?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly onStage?: OnStage | undefined
}

/** Raised whenever the same description comes to mean other numbers. */
const REVISION = 1
/** Tokens of a text that are scored in one piece: each begins anew, so that one length fits every model and every arm. */
const WINDOW = 256

/** One arm after the other; each is a unit of its own. */
export async function textQuality(options: TextQualityOptions): Promise<TextQuality[]> {
  const { model, arms, texts = [], maxTokens, units: store, version, signal, onStage } = options
  const stage = onStage?.('text quality')
  const units = arms.map(async (arm) => ({
    key: await unitKey({
      kind: 'text-quality',
      revision: REVISION,
      version,
      model: model.fingerprint,
      contextLength: model.shape.contextLength,
      arm: await armDigest(arm),
      maxTokens,
      prompts: NEUTRAL_PROMPTS,
      texts: [NEUTRAL_TEXT, ...texts],
    }),
    async compute() {
      const likelihoods: TextLikelihood[] = []
      for (const text of [NEUTRAL_TEXT, ...texts]) likelihoods.push(await textLikelihood(model, text, { arm, signal }))
      const answers: GreedyAnswer[] = []
      for (const prompt of NEUTRAL_PROMPTS) answers.push(await greedyAnswer(model, prompt, { arm, maxTokens, signal }))
      return JSON.stringify({ likelihoods, answers })
    },
  }))
  const results = await runUnits(store, await Promise.all(units), { signal, onProgress: (progress) => stage?.update(progress) })
  stage?.end()
  return results.map((result, i) => {
    const { likelihoods, answers } = readUnit(result, (json) => json as QualityUnit)
    const [neutral, ...given] = likelihoods as [TextLikelihood, ...TextLikelihood[]]
    return { arm: arms[i]!.name, ...neutral, ...writing(answers), texts: given }
  })
}

/**
 * Windows of 256 tokens. A text has no place for a system prompt: it stands before every window, as a paragraph of its own, and loses its beginning where
 * the model's context is too short for both. Where neither it nor a beginning token stands before a window, its first token is not scored.
 * @throws PalignError `invalid-input` for a text of fewer than two tokens
 */
export async function textLikelihood(
  model: LanguageModel,
  text: string,
  { arm, signal }: { readonly arm: Arm; readonly signal?: AbortSignal | undefined },
): Promise<TextLikelihood> {
  const beginning = model.encode('')
  const withoutBeginning = (encoded: number[]) => encoded.slice(beginning.length)
  const size = Math.min(WINDOW, Math.floor(model.shape.contextLength / 2))
  const preamble = arm.system === undefined ? [] : withoutBeginning(model.encode(`${arm.system}\n\n`))
  const room = model.shape.contextLength - size - beginning.length
  const before = [...beginning, ...preamble.slice(Math.max(0, preamble.length - room))]
  const tokens = withoutBeginning(model.encode(text))
  let sum = 0
  let scored = 0
  let bytes = 0
  for (let start = 0; start < tokens.length; start += size) {
    throwIfAborted(signal)
    const window = tokens.slice(start, start + size)
    const skipped = before.length === 0 ? 1 : 0
    const continuation = window.slice(skipped)
    if (continuation.length === 0) continue
    const request = { tokens: [...before, ...window.slice(0, skipped)], continuations: [continuation] }
    const [logLikelihoods] = await model.score([request], { ...arm.steering, signal })
    sum += logLikelihoods![0]!
    scored += continuation.length
    // Decoders may drop a space at the start of a text: the bytes of a part are those of the whole without the rest.
    bytes += byteLength(model.decode(window)) - byteLength(model.decode(window.slice(0, skipped)))
  }
  if (scored === 0) {
    throw new PalignError('invalid-input', `text has ${tokens.length} tokens, expected at least 2`, {
      hint: 'give a longer text',
    })
  }
  return { perplexity: Math.exp(-sum / scored), bitsPerByte: -sum / Math.LN2 / bytes }
}

export function writing(answers: readonly GreedyAnswer[]): Writing {
  const words = answers.map(({ text }) => wordsOf(text))
  const repetitions = words.flatMap((own) => {
    const grams = nGrams(own, 4)
    return grams.length === 0 ? [] : [1 - distinctShare(grams)]
  })
  const tokens = answers.reduce((sum, answer) => sum + answer.tokens, 0)
  const logLikelihood = answers.reduce((sum, answer) => sum + answer.logLikelihood, 0)
  return {
    generationPerplexity: Math.exp(-logLikelihood / tokens),
    repetition: mean(repetitions),
    distinct1: distinctShare(words.flatMap((own) => nGrams(own, 1))),
    distinct2: distinctShare(words.flatMap((own) => nGrams(own, 2))),
    meanTokens: tokens / answers.length,
  }
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length
}

interface QualityUnit {
  readonly likelihoods: readonly TextLikelihood[]
  readonly answers: readonly GreedyAnswer[]
}
