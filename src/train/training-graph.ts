/**
 * @file From a model and a loss to the graph of one training step: forward and backward in one run. Parameters to train are inputs,
 * their gradients are outputs; frozen weights stay where they are, mapped from the model's own files.
 */

import type { LlamaConfig } from '../graph/llama-config.ts'
import { differentiableLlama } from '../graph/llama-differentiable.ts'
import { type Precision, type ShapedGraph, shapedGraph, type Tensor } from '../graph/shaped-graph.ts'
import { assertFloat, requiredTensors, storedTensor, type Weights } from '../graph/weights.ts'
import type { AdapterConfig } from '../model/adapter.ts'
import type { ModelShape } from '../model/shape.ts'
import { gradients } from './gradients.ts'
import { type LossSpec, lossOf } from './losses.ts'
import { adapterShapes, pairNames, VALUE_BIAS, VALUE_WEIGHT, valueHeadShapes } from './low-rank.ts'

/** What is trained: every weight of the model, or an adapter over frozen weights. */
export type Trained =
  | { readonly kind: 'all' }
  | {
      readonly kind: 'adapter'
      readonly weights: Weights
      readonly adapter: AdapterConfig
      /** Share of the adapter's inputs that is dropped. */
      readonly dropout: number
      readonly valueHead: boolean
    }

export interface TrainingGraphOptions {
  readonly config: LlamaConfig
  readonly shape: ModelShape
  readonly trained: Trained
  readonly rows: number
  readonly length: number
  /** Positions that get logits; undefined is all of them. */
  readonly selected?: number | undefined
  readonly loss: LossSpec
  readonly checkpointing?: boolean | undefined
  /** Double precision is for checking gradients; it takes no stored weights. */
  readonly precision?: Precision | undefined
}

export interface TrainingGraph {
  readonly bytes: Uint8Array
  /** Inputs that are trained, by name. */
  readonly parameters: ReadonlyMap<string, readonly number[]>
  /** Inputs that say which inputs of an adapter are kept, by name; empty without dropout. */
  readonly masks: ReadonlyMap<string, readonly number[]>
}

export const IDS = 'ids'
export const SELECTED = 'selected'
export const LABELS = 'labels'
export const SCALE = 'adapter.scale'
export const LOSS = 'loss'

export const gradientName = (parameter: string) => `gradient of ${parameter}`

export function trainingGraph(options: TrainingGraphOptions): TrainingGraph {
  const { config, shape, trained, rows, length, loss, precision, checkpointing } = options
  const graph = shapedGraph(precision)
  const parameters = new Map<string, Tensor>()
  const masks = new Map<string, readonly number[]>()
  const parameter = (name: string, size: readonly number[]): Tensor => {
    const known = parameters.get(name)
    if (known !== undefined) return known
    const added = graph.input(name, size)
    parameters.set(name, added)
    return added
  }

  const ids = graph.input(IDS, [rows, length], 'int64')
  const selected = options.selected ?? rows * length
  const positions = options.selected === undefined ? undefined : graph.input(SELECTED, [selected], 'int64')
  const labels = graph.input(LABELS, [selected, 1], 'int64')
  const shapes = requiredTensors(config)
  const weight =
    trained.kind === 'all' ? (name: string) => parameter(name, shapes.get(name)!) : frozenWeights(graph, trained.weights)
  const adapter =
    trained.kind === 'all' ? undefined : adapterInputs({ graph, config, trained, tokens: rows * length, parameter, masks })
  const { logits, hidden } = differentiableLlama({
    graph,
    config,
    shape,
    ids,
    positions,
    weight,
    adapter,
    checkpointing,
  })
  const value =
    trained.kind === 'adapter' && trained.valueHead
      ? graph.pairwise(
          'Add',
          graph.gemm(hidden, parameter(VALUE_WEIGHT, valueHeadShapes(config).get(VALUE_WEIGHT)!), { transposeB: true }),
          parameter(VALUE_BIAS, valueHeadShapes(config).get(VALUE_BIAS)!),
        )
      : undefined
  const logProbability = graph.labelLogProbability(logits, labels)
  const total = lossOf({ graph, logProbability, value, rows, spec: loss })
  if (total !== undefined) {
    graph.output(total, LOSS)
    const trainable = [...parameters.values()]
    gradients(graph, total, trainable).forEach((gradient, i) => {
      graph.output(gradient, gradientName(trainable[i]!.name))
    })
  }
  return {
    bytes: graph.bytes(),
    parameters: new Map([...parameters].map(([name, tensor]) => [name, tensor.shape])),
    masks,
  }
}

/** Weights in their files, each added once. */
function frozenWeights(graph: ShapedGraph, weights: Weights): (name: string) => Tensor {
  const known = new Map<string, Tensor>()
  return (name) => {
    const tensor = known.get(name) ?? graph.weight(storedTensor(assertFloat(weights.get(name)!)))
    known.set(name, tensor)
    return tensor
  }
}

interface AdapterInputsOptions {
  readonly graph: ShapedGraph
  readonly config: LlamaConfig
  readonly trained: Extract<Trained, { kind: 'adapter' }>
  readonly tokens: number
  parameter(name: string, shape: readonly number[]): Tensor
  readonly masks: Map<string, readonly number[]>
}

function adapterInputs({ graph, config, trained, tokens, parameter, masks }: AdapterInputsOptions) {
  const shapes = adapterShapes(config, trained.adapter)
  const scale = graph.input(SCALE, [])
  const share = 1 - trained.dropout
  const kept = new Map<string, Tensor>()
  return (module: string) => {
    const { a, b } = pairNames(module)
    const size = shapes.get(a)
    if (size === undefined) return undefined
    const mask = `kept inputs of ${module}`
    if (trained.dropout > 0 && !kept.has(module)) {
      masks.set(mask, [tokens, size[1]!])
      kept.set(module, graph.input(mask, [tokens, size[1]!], 'bool'))
    }
    const dropout = kept.get(module)
    return {
      a: parameter(a, size),
      b: parameter(b, shapes.get(b)!),
      scale,
      ...(dropout && { dropout: { kept: dropout, share } }),
    }
  }
}
