/**
 * @file How far an approximation is from the persona: total variation of next-token distributions, TV(p, q) = sum |p - q| / 2, after fixed
 * prompts, beside the one that steering itself makes. An approximation whose error is near that carries nothing.
 */
import { PalignError } from '../errors.ts'
import { divergence } from '../math/divergence.ts'

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
    const exact = await steered(tokens)
    errors.push(divergence(exact, await approximated(tokens)).totalVariation)
    effects.push(divergence(await unsteered(tokens), exact).totalVariation)
  }
  return { prompts: prompts.length, error: spread(errors), effect: spread(effects) }
}

function spread(values: readonly number[]): Spread {
  return { mean: values.reduce((sum, value) => sum + value, 0) / values.length, largest: Math.max(...values) }
}
