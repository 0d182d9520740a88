/**
 * @file The error of a vector file that only approximates a persona: the engine, steered exactly, against the plain forward pass with what the file's
 * reader would add. No program that applies control vectors can be loaded from here, so the plain pass stands for it.
 */
import { referenceDecoder } from '../engine/reference-model.ts'
import { type ApproximationError, approximationError } from '../export/approximation-error.ts'
import type { ResidualShift } from '../export/residual-shift.ts'
import { locateWeights } from '../graph/weights.ts'
import type { Displacement } from '../model/displacement.ts'
import type { LanguageModel } from '../model/language-model.ts'
import { readModelFolder } from './model-folder.ts'
import { readWeight } from './read-weight.ts'

/** The plain pass takes about a second for each token and 300 million weights, and 4 bytes for each weight. */
const MOST_WEIGHTS = 300_000_000

export interface MeasureOptions {
  readonly folder: string
  /** The same folder, opened. */
  readonly model: Pick<LanguageModel, 'logits'>
  readonly displacement: Displacement
  readonly shift: ResidualShift
  readonly prompts: readonly (readonly number[])[]
}

/** Undefined for models of more than `MOST_WEIGHTS` weights: then the error is not known. */
export async function measureApproximation(options: MeasureOptions): Promise<ApproximationError | undefined> {
  const { folder, model, displacement, shift, prompts } = options
  const { config, files } = await readModelFolder(folder)
  const weights = locateWeights(config, files)
  const count = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1)
  if ([...weights.values()].reduce((sum, { shape }) => sum + count(shape), 0) > MOST_WEIGHTS) return undefined
  const tensors = new Map<string, Float32Array>()
  for (const name of weights.keys()) tensors.set(name, await readWeight(folder, weights, name))
  const plain = referenceDecoder({ config, tensor: (name) => tensors.get(name)!, residualShift: shift })
  return approximationError({
    unsteered: (tokens) => model.logits({ tokens }),
    steered: (tokens) => model.logits({ tokens, displacement }),
    approximated: async (tokens) => (await plain.forward({ tokens, logitsAt: [tokens.length - 1] })).logits,
    prompts,
  })
}
