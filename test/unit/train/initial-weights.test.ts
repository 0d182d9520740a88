import { describe, expect, it } from 'vitest'
import { parseLlamaConfig } from '../../../src/graph/llama-config.ts'
import { requiredTensors } from '../../../src/graph/weights.ts'
import { initialWeights } from '../../../src/train/initial-weights.ts'
import { configJson } from '../../fixtures/random-model.ts'

const config = parseLlamaConfig(configJson({ attention_bias: true }))
const numbers = ({ data }: { readonly data: Uint8Array }) => new Float32Array(data.buffer, data.byteOffset, data.length / 4)

describe('first weights', () => {
  it('are every tensor of the config: matrices of the deviation, norms 1, biases 0', () => {
    const tensors = initialWeights(config, { seed: 1, deviation: 0.06 })
    expect(new Map(tensors.map(({ name, shape }) => [name, shape]))).toEqual(requiredTensors(config))
    for (const tensor of tensors) {
      const values = numbers(tensor)
      if (tensor.name.endsWith('norm.weight')) expect(values.every((value) => value === 1)).toBe(true)
      else if (tensor.name.endsWith('.bias')) expect(values.every((value) => value === 0)).toBe(true)
      else {
        const deviation = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length)
        // At least 2048 draws a matrix: the standard error is below 1.6 %; four of them.
        expect(Math.abs(deviation / 0.06 - 1)).toBeLessThan(0.065)
      }
    }
  })

  it('are the same for the same seed only', () => {
    expect(initialWeights(config, { seed: 1 })).toEqual(initialWeights(config, { seed: 1 }))
    expect(initialWeights(config, { seed: 1 })).not.toEqual(initialWeights(config, { seed: 2 }))
  })
})
