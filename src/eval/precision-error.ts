/** @file What the precision of weights costs: logits of one model against those of another that has the same vocabulary, after beginnings of a neutral text. */
import { PalignError } from '../errors.ts'
import { divergence } from '../math/divergence.ts'
import { mean } from '../math/statistics.ts'
import type { LanguageModel } from '../model/language-model.ts'
import { NEUTRAL_TEXT } from './neutral-text.ts'

export interface PrecisionError {
  /** Beginnings of the text that were compared. */
  readonly positions: number
  /** Of logits, in their units. */
  readonly largestDifference: number
  /** Root mean square of the differences over that of the reference's logits, each around their mean. */
  readonly relativeError: number
  readonly meanTotalVariation: number
  /** Nats, of the model from the reference. */
  readonly meanKullbackLeibler: number
  /** Share of positions with the same most likely token. */
  readonly sameTop: number
}

const POSITIONS = 16

/** @throws PalignError `invalid-input` for models of unlike vocabularies */
export async function precisionError(model: LanguageModel, reference: LanguageModel): Promise<PrecisionError> {
  if (model.shape.vocabSize !== reference.shape.vocabSize) {
    throw new PalignError(
      'invalid-input',
      `models have ${model.shape.vocabSize} and ${reference.shape.vocabSize} tokens, expected as many`,
    )
  }
  const text = model.encode(NEUTRAL_TEXT).slice(0, Math.min(model.shape.contextLength, 256))
  const count = Math.min(POSITIONS, text.length)
  const compared: ReturnType<typeof compare>[] = []
  for (let i = 1; i <= count; i++) {
    const tokens = text.slice(0, Math.ceil((i * text.length) / count))
    compared.push(compare(await model.logits({ tokens }), await reference.logits({ tokens })))
  }
  const over = (value: (one: (typeof compared)[number]) => number) => mean(compared.map(value))
  return {
    positions: count,
    largestDifference: Math.max(...compared.map(({ largest }) => largest)),
    relativeError: Math.sqrt(over(({ error }) => error) / over(({ spread }) => spread)),
    meanTotalVariation: over(({ totalVariation }) => totalVariation),
    meanKullbackLeibler: over(({ kullbackLeibler }) => kullbackLeibler),
    sameTop: over(({ sameTop }) => (sameTop ? 1 : 0)),
  }
}

/** Softmax does not see a shift of all logits: neither does the error. */
function compare(found: Float32Array, expected: Float32Array) {
  const { totalVariation, kullbackLeibler } = divergence(expected, found)
  const [foundMean, expectedMean] = [mean(found), mean(expected)]
  let [error, spread, largest] = [0, 0, 0]
  for (let i = 0; i < found.length; i++) {
    const difference = found[i]! - foundMean - (expected[i]! - expectedMean)
    error += difference ** 2
    spread += (expected[i]! - expectedMean) ** 2
    largest = Math.max(largest, Math.abs(found[i]! - expected[i]!))
  }
  return { totalVariation, kullbackLeibler, error, spread, largest, sameTop: top(found) === top(expected) }
}

function top(values: Float32Array): number {
  let best = 0
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i
  return best
}
