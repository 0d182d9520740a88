/** @file Weights of a model that has learnt nothing: normal matrices, norms of 1, biases of 0, from a seed. */
import { PalignError } from '../errors.ts'
import { floatTensor } from '../formats/float-tensor.ts'
import type { TensorBytes } from '../formats/safetensors.ts'
import type { LlamaConfig } from '../graph/llama-config.ts'
import { requiredTensors } from '../graph/weights.ts'
import { gaussian, seededRandom } from '../math/random.ts'

/** @param options.deviation standard deviation of every matrix; .02 is common, small models learn faster from .06 */
export function initialWeights(
  config: LlamaConfig,
  { seed, deviation = 0.02 }: { readonly seed: number; readonly deviation?: number | undefined },
): TensorBytes[] {
  if (!(deviation > 0 && deviation <= 1)) {
    throw new PalignError('invalid-input', `deviation of the first weights is ${deviation}, expected more than 0 and at most 1`)
  }
  const random = seededRandom(seed)
  return [...requiredTensors(config)].map(([name, shape]) => {
    const values = new Float32Array(shape.reduce((product, size) => product * size, 1))
    if (name.endsWith('norm.weight')) values.fill(1)
    else if (shape.length > 1) for (let i = 0; i < values.length; i++) values[i] = deviation * gaussian(random)
    return floatTensor(name, shape, values)
  })
}
