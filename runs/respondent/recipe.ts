/** @file The recipe of the demo model: everything that decides what it becomes, as data. */

export const RECIPE = {
  seed: 20261124,
  tokenizer: { wordTokens: 2000, tokens: 3000, minimumCount: 2 },
  model: { max_position_embeddings: 2048 },
} as const
