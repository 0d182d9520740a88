/**
 * @file Floating point operations by formula, so that methods can be compared across machines. A multiplication with its addition
 * counts as two; norms, activation functions, softmax and rotary turns are left out (below 1 % of a model worth aligning).
 *
 *     forward pass   2 W tokens + 2 V D logit rows + 4 L H d attended positions
 *     training       forward, then backward: once more the matrices (what reaches the activations; frozen weights take no gradient of
 *                    their own), twice more the attention (both of its factors have one), and 6 P a token for P adapter weights
 *
 * W: weights of the layers' matrices; V, D: vocabulary and hidden size; L, H, d: layers, query heads, head size (scores and mixing of
 * values cost 2 d each for every head and attended position). A token attends to itself and to every token before it.
 */
import type { ModelShape } from './shape.ts'

/** What a model has computed since it was opened; prefixes that were used again count once, as they were computed. */
export interface ModelUsage {
  readonly forwardTokens: number
  /** Sum over forward tokens of the positions they attend to, themselves included. */
  readonly attendedPositions: number
  /** Positions whose next-token logits were computed. */
  readonly logitRows: number
}

export const NO_USAGE: ModelUsage = { forwardTokens: 0, attendedPositions: 0, logitRows: 0 }

/** The sizes that the formula needs beside the shape. */
export interface CountedModel {
  readonly shape: ModelShape
  /** Weights of all matrices of all layers: what one token is multiplied with before the output layer. */
  readonly layerWeights: number
}

/** Weights of the seven matrices of every layer: q, k, v, o, and gate, up, down of the feed-forward part. */
export function layerWeightsOf(
  { layers, heads, kvHeads, headDim, hiddenSize }: Omit<ModelShape, 'vocabSize' | 'contextLength'>,
  ffnSize: number,
): number {
  return layers * hiddenSize * (2 * heads * headDim + 2 * kvHeads * headDim + 3 * ffnSize)
}

export function forwardFlops({ shape, layerWeights }: CountedModel, usage: ModelUsage): number {
  const { layers, heads, headDim, hiddenSize, vocabSize } = shape
  return (
    2 * layerWeights * usage.forwardTokens +
    2 * vocabSize * hiddenSize * usage.logitRows +
    4 * layers * heads * headDim * usage.attendedPositions
  )
}

/** Rows that went through a trainer. */
export interface TrainedRows {
  /** Tokens through forward passes alone. */
  readonly forwardTokens: number
  /** Tokens through forward and backward. */
  readonly trainedTokens: number
  /** Mean length of the rows, tokens: what a token attends to is half of it, and half a token. */
  readonly meanRowTokens: number
  /** Of each row, tokens whose log-probability counts: only before these are logits computed. */
  readonly meanCompletionTokens: number
  readonly adapterWeights: number
}

/** Padding is not counted, in rows or in completions: it is what one trainer wastes. */
export function trainingFlops(model: CountedModel, rows: TrainedRows): number {
  const { layerWeights, shape } = model
  if (rows.meanRowTokens === 0) return 0
  const attended = (rows.meanRowTokens + 1) / 2
  const completed = rows.meanCompletionTokens / rows.meanRowTokens
  const pass = (tokens: number) => ({
    forwardTokens: tokens,
    attendedPositions: tokens * attended,
    logitRows: tokens * completed,
  })
  const matrices = 2 * (layerWeights + shape.vocabSize * shape.hiddenSize * completed)
  const attention = 4 * shape.layers * shape.heads * shape.headDim * attended
  const backward = matrices + 2 * attention + 6 * rows.adapterWeights
  return forwardFlops(model, pass(rows.forwardTokens + rows.trainedTokens)) + rows.trainedTokens * backward
}

export function usageBetween(before: ModelUsage, after: ModelUsage): ModelUsage {
  return {
    forwardTokens: after.forwardTokens - before.forwardTokens,
    attendedPositions: after.attendedPositions - before.attendedPositions,
    logitRows: after.logitRows - before.logitRows,
  }
}
