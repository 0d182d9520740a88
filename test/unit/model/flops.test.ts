import { describe, expect, it } from 'vitest'
import { type CountedModel, forwardFlops, layerWeightsOf, trainingFlops, usageBetween } from '../../../src/model/flops.ts'

const sizes = { layers: 2, heads: 3, kvHeads: 1, headDim: 4, hiddenSize: 5 }
const shape = { ...sizes, vocabSize: 7, contextLength: 16 }
const FFN = 6
const model: CountedModel = { shape, layerWeights: layerWeightsOf(sizes, FFN) }

/** Multiplies and adds of rows x columns, one by one. */
const matrix = (rows: number, columns: number) => 2 * rows * columns

/** One forward pass over a sequence, token by token and head by head, as the reference decoder computes it. */
function countedByHand(length: number, logitRows: number): number {
  let operations = 0
  for (let token = 0; token < length; token++) {
    for (let layer = 0; layer < 2; layer++) {
      operations += matrix(12, 5) + 2 * matrix(4, 5) + matrix(5, 12)
      operations += 2 * matrix(FFN, 5) + matrix(5, FFN)
      for (let head = 0; head < 3; head++) for (let at = 0; at <= token; at++) operations += 2 * 4 + 2 * 4
    }
  }
  return operations + logitRows * matrix(7, 5)
}

const usageOf = (length: number, logitRows: number) => ({
  forwardTokens: length,
  attendedPositions: (length * (length + 1)) / 2,
  logitRows,
})

describe('operations by formula', () => {
  it('count the weights of all matrices', () => {
    expect(model.layerWeights).toBe(2 * (12 * 5 + 2 * 4 * 5 + 5 * 12 + 3 * 6 * 5))
  })

  it('of a forward pass are those of a count by hand', () => {
    for (const [length, rows] of [
      [1, 0],
      [1, 1],
      [5, 2],
      [16, 16],
    ] as const)
      expect(forwardFlops(model, usageOf(length, rows))).toBe(countedByHand(length, rows))
  })

  it('of training without gradients are those of forward passes with logits at completions', () => {
    const rows = { forwardTokens: 24, trainedTokens: 0, meanRowTokens: 8, meanCompletionTokens: 3, adapterWeights: 100 }
    expect(trainingFlops(model, rows)).toBe(3 * countedByHand(8, 3))
    expect(trainingFlops(model, { ...rows, forwardTokens: 0, meanRowTokens: 0, meanCompletionTokens: 0 })).toBe(0)
  })

  it('of a backward pass are the matrices once more, the attention twice more, and six for every adapter weight', () => {
    const rows = { forwardTokens: 0, trainedTokens: 8, meanRowTokens: 8, meanCompletionTokens: 2, adapterWeights: 100 }
    const forward = countedByHand(8, 2)
    const attention = 4 * 2 * 3 * 4 * ((8 * 9) / 2)
    expect(trainingFlops(model, rows)).toBe(forward + (forward - attention) + 2 * attention + 8 * 6 * 100)
  })

  it('of a stretch of work are the difference of two counts', () => {
    expect(usageBetween(usageOf(3, 1), usageOf(5, 4))).toEqual({ forwardTokens: 2, attendedPositions: 9, logitRows: 3 })
  })
})
