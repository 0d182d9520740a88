/** @file What is minimised: likelihood, preferences (DPO), a clipped policy with a value head (PPO); and, for none, what they are computed from. */
import type { ShapedGraph, Tensor } from '../graph/shaped-graph.ts'

export type LossSpec =
  /** No loss: the graph gives the log-probabilities, and the values where there is a value head. */
  | { readonly kind: 'none' }
  | { readonly kind: 'likelihood' }
  | { readonly kind: 'preference' }
  | { readonly kind: 'policy'; readonly clip: number }

export const LOG_PROBABILITIES = 'log_probabilities'
export const VALUES = 'values'
/** Share of each selected token in the loss; they add up to 1. For preferences: 1 or 0. */
export const TOKEN_WEIGHTS = 'token_weights'
export const PAIR_WEIGHTS = 'pair_weights'
export const REFERENCE_MARGINS = 'reference_margins'
export const BETA = 'beta'
export const OLD_LOG_PROBABILITIES = 'old_log_probabilities'
export const ADVANTAGES = 'advantages'
export const RETURNS = 'returns'
export const VALUE_COEFFICIENT = 'value_coefficient'

export interface LossOptions {
  readonly graph: ShapedGraph
  /** `[selected, 1]`, nats. */
  readonly logProbability: Tensor
  /** `[selected, 1]` */
  readonly value: Tensor | undefined
  readonly rows: number
  readonly spec: LossSpec
}

/** A tensor of one number; undefined where there is nothing to minimise. */
export function lossOf(options: LossOptions): Tensor | undefined {
  const { graph, logProbability, value, spec } = options
  switch (spec.kind) {
    case 'none':
      graph.output(logProbability, LOG_PROBABILITIES)
      if (value !== undefined) graph.output(value, VALUES)
      return undefined
    case 'likelihood': {
      const weights = graph.input(TOKEN_WEIGHTS, logProbability.shape)
      return graph.elementwise('Neg', sum(graph, graph.pairwise('Mul', logProbability, weights)))
    }
    case 'preference':
      return preferenceLoss(options)
    case 'policy':
      return policyLoss(options, spec.clip)
    default:
      return spec satisfies never
  }
}

const sum = (graph: ShapedGraph, x: Tensor) => graph.reduce('ReduceSum', x, [0, 1])

/** softplus(-beta (margin - reference margin)); the first half of the rows is chosen, the second rejected, pair by pair. */
function preferenceLoss({ graph, logProbability, rows }: LossOptions): Tensor {
  const [selected] = logProbability.shape as [number, number]
  const pairs = rows / 2
  const byRow = graph.reshape(logProbability, [rows, selected / rows])
  const counted = graph.pairwise('Mul', byRow, graph.input(TOKEN_WEIGHTS, byRow.shape))
  const [chosen, rejected] = graph.split(graph.reduce('ReduceSum', counted, [1]), 0, [pairs, pairs]) as [Tensor, Tensor]
  const margin = graph.pairwise('Sub', chosen, rejected)
  const gain = graph.pairwise('Sub', margin, graph.input(REFERENCE_MARGINS, [pairs, 1]))
  const logit = graph.pairwise('Mul', gain, graph.input(BETA, []))
  const losses = graph.softplus(graph.elementwise('Neg', logit))
  return sum(graph, graph.pairwise('Mul', losses, graph.input(PAIR_WEIGHTS, [pairs, 1])))
}

/** -min(r A, clip(r, 1 - clip, 1 + clip) A) + c (value - return)^2, with r = exp(log p - old log p). */
function policyLoss({ graph, logProbability, value }: LossOptions, clip: number): Tensor {
  const { shape } = logProbability
  const advantages = graph.input(ADVANTAGES, shape)
  const ratio = graph.elementwise('Exp', graph.pairwise('Sub', logProbability, graph.input(OLD_LOG_PROBABILITIES, shape)))
  const clipped = graph.clip(ratio, 1 - clip, 1 + clip)
  const surrogate = graph.pairwise('Min', graph.pairwise('Mul', ratio, advantages), graph.pairwise('Mul', clipped, advantages))
  const error = graph.pairwise('Sub', value!, graph.input(RETURNS, shape))
  const valueLoss = graph.pairwise('Mul', graph.pairwise('Mul', error, error), graph.input(VALUE_COEFFICIENT, []))
  const losses = graph.pairwise('Sub', valueLoss, surrogate)
  return sum(graph, graph.pairwise('Mul', losses, graph.input(TOKEN_WEIGHTS, shape)))
}
