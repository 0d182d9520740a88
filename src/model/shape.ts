/** @file The dimensions of a transformer and the names of its heads. Counts come from the config, never from hiddenSize / heads. */

export interface ModelShape {
  readonly layers: number
  /** Query heads; z has one slice of `headDim` for each. */
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly hiddenSize: number
  readonly vocabSize: number
  /** Longest sequence the loaded model accepts, in tokens. */
  readonly contextLength: number
}

/** One query head; layer and head count from 0. */
export interface HeadId {
  readonly layer: number
  readonly head: number
}

/** Length of z in one layer. */
export function zWidth(shape: ModelShape): number {
  return shape.heads * shape.headDim
}
