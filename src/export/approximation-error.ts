/**
 * @file How far an approximation is from the persona: total variation of next-token distributions, TV(p, q) = sum |p - q| / 2, after fixed
 * prompts, beside the one that steering itself makes. An approximation whose error is near that carries nothing.
 */
import { PalignError } from '../errors.ts'

/** Logits `[vocabSize]` of the token after these. */
export type NextTokenLogits = (tokens: readonly number[]) => Promise<Float32Array>

export interface ApproximationError {
  readonly prompts: number
  /** Steered to approximated. */
  readonly error: Spread
  /** Unsteered to steered. */
  readonly effect: Spread
}

/** For the file itself. */
export function describeError(measured: ApproximationError | undefined): string {
  if (measured === undefined) return 'its error was not measured'
  const { error, effect, prompts } = measured
  const shown = (value: number) => value.toPrecision(2)
  return `total variation to the persona ${shown(error.mean)} (mean; largest ${shown(error.largest)}) after ${prompts} prompts, where the persona itself does ${shown(effect.mean)}`
}

export interface Spread {
  readonly mean: number
  readonly largest: number
}

export interface ApproximationOptions {
  readonly unsteered: NextTokenLogits
  readonly steered: NextTokenLogits
  readonly approximated: NextTokenLogits
  readonly prompts: readonly (readonly number[])[]
}

export async function approximationError(options: ApproximationOptions): Promise<ApproximationError> {
  const { unsteered, steered, approximated, prompts } = options
  if (prompts.length === 0)
    throw new PalignError('invalid-input', 'approximation is measured on no prompt, expected at least one')
  const errors: number[] = []
  const effects: number[] = []
  for (const tokens of prompts) {
    const [base, exact, near] = [await unsteered(tokens), await steered(tokens), await approximated(tokens)].map(softmax)
    errors.push(totalVariation(exact!, near!))
    effects.push(totalVariation(base!, exact!))
  }
  return { prompts: prompts.length, error: spread(errors), effect: spread(effects) }
}

function spread(values: readonly number[]): Spread {
  return { mean: values.reduce((sum, value) => sum + value, 0) / values.length, largest: Math.max(...values) }
}

/** Of logits, in doubles. */
function softmax(logits: Float32Array): Float64Array {
  const most = logits.reduce((largest, logit) => Math.max(largest, logit), Number.NEGATIVE_INFINITY)
  const powers = Float64Array.from(logits, (logit) => Math.exp(logit - most))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}

function totalVariation(p: Float64Array, q: Float64Array): number {
  return p.reduce((sum, value, i) => sum + Math.abs(value - q[i]!), 0) / 2
}
