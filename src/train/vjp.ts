/**
 * @file One rule per kind of step: from the gradient of a loss with respect to the step's outputs (vector-Jacobian products, Griewank and
 * Walther 2008) to the gradients with respect to its inputs.
 *
 * A gradient may be smaller than its tensor, as a broadcast operand is: the gradient of a sum is one number for all that was summed.
 * Rules that need the whole tensor ask `whole` for it.
 */
import { int } from '../graph/graph-builder.ts'
import {
  broadcastShape,
  type ProductAttributes,
  type ShapedGraph,
  type Step,
  type StepKind,
  type Tensor,
} from '../graph/shaped-graph.ts'

export interface VjpCall<K extends StepKind> {
  readonly graph: ShapedGraph
  readonly step: Step<K>
  /** Gradients of the outputs; undefined where the loss does not depend on one. The first of a single output is always there. */
  readonly upstream: readonly (Tensor | undefined)[]
  /** Whether the gradient of each input is needed. */
  readonly wanted: readonly boolean[]
  /** For steps that hold steps. */
  readonly differentiate: Differentiate
}

/**
 * @param known gradients of what the steps computed, by the tensor's name
 * @returns the gradient of each tensor sought; undefined where nothing known depends on it
 */
export type Differentiate = (
  graph: ShapedGraph,
  steps: readonly Step[],
  known: ReadonlyMap<string, Tensor>,
  sought: readonly Tensor[],
) => (Tensor | undefined)[]

/** One gradient per input; undefined where there is none, or where it is not wanted. */
export type Vjp<K extends StepKind> = (call: VjpCall<K>) => readonly (Tensor | undefined)[]

export const VJPS: { readonly [K in StepKind]: Vjp<K> } = {
  Add: (call) =>
    toOperands(
      call,
      () => given(call),
      () => given(call),
    ),
  Sub: (call) =>
    toOperands(
      call,
      () => given(call),
      () => call.graph.elementwise('Neg', given(call)),
    ),
  Mul: (call) => {
    const [a, b] = call.step.inputs as [Tensor, Tensor]
    const times = (factor: Tensor) => call.graph.pairwise('Mul', given(call), factor)
    return toOperands(
      call,
      () => times(b),
      () => times(a),
    )
  },
  // Where both are equal the first takes it all.
  Min: (call) => {
    const [a, b] = call.step.inputs as [Tensor, Tensor]
    const { graph } = call
    const isFirst = compare(graph, 'LessOrEqual', a, b)
    const zero = graph.scalar(0)
    return toOperands(
      call,
      () => graph.where(isFirst, given(call), zero),
      () => graph.where(isFirst, zero, given(call)),
    )
  },
  Neg: (call) => [call.graph.elementwise('Neg', given(call))],
  Exp: (call) => [call.graph.pairwise('Mul', given(call), call.step.outputs[0]!)],
  Sigmoid: (call) => {
    const { graph } = call
    const [y] = call.step.outputs as [Tensor]
    const slope = graph.pairwise('Mul', y, graph.pairwise('Sub', graph.scalar(1), y))
    return [graph.pairwise('Mul', given(call), slope)]
  },
  // y = x s: dx = g * (s + y * (1 - s)), two passes less than through its product and its sigmoid.
  Silu: (call) => {
    const { graph, step } = call
    const { sigmoid } = step.attributes
    const [y] = step.outputs as [Tensor]
    const bend = graph.pairwise('Mul', y, graph.pairwise('Sub', graph.scalar(1), sigmoid))
    return [graph.pairwise('Mul', given(call), graph.pairwise('Add', sigmoid, bend))]
  },
  Softplus: (call) => [call.graph.pairwise('Mul', given(call), call.graph.elementwise('Sigmoid', call.step.inputs[0]!))],
  Clip: (call) => {
    const { graph, step } = call
    const [x] = step.inputs as [Tensor]
    const zero = graph.scalar(0)
    const above = graph.where(compare(graph, 'GreaterOrEqual', x, graph.scalar(step.attributes.low)), given(call), zero)
    return [graph.where(compare(graph, 'LessOrEqual', x, graph.scalar(step.attributes.high)), above, zero)]
  },
  Where: (call) => {
    const { graph, step, wanted } = call
    const [condition, a, b] = step.inputs as [Tensor, Tensor, Tensor]
    const [output] = step.outputs as [Tensor]
    const zero = graph.scalar(0)
    return [
      undefined,
      wanted[1] ? reduceTo(graph, graph.where(condition, given(call), zero), output.shape, a.shape) : undefined,
      wanted[2] ? reduceTo(graph, graph.where(condition, zero, given(call)), output.shape, b.shape) : undefined,
    ]
  },
  ReduceSum: (call) => [given(call)],
  ReduceMean: (call) => {
    const [x] = call.step.inputs as [Tensor]
    const count = call.step.attributes.axes.reduce((product, axis) => product * x.shape[axis]!, 1)
    return [call.graph.pairwise('Mul', given(call), call.graph.scalar(1 / count))]
  },
  // p = softmax(x): dx = p * g - p * sum(p * g).
  Softmax: (call) => {
    const { graph } = call
    const [p] = call.step.outputs as [Tensor]
    const weighted = graph.pairwise('Mul', given(call), p)
    const total = graph.reduce('ReduceSum', weighted, [p.shape.length - 1])
    return [graph.pairwise('Sub', weighted, graph.pairwise('Mul', p, total))]
  },
  // dx = g * (one at the label - softmax(x)), without another pass over [rows, classes] for the one.
  LabelLogProbability: (call) => {
    const { graph, step } = call
    const [, labels] = step.inputs as [Tensor, Tensor]
    const { logSoftmax } = step.attributes
    const g = whole(call)
    const spread = graph.pairwise('Mul', graph.elementwise('Exp', logSoftmax), graph.elementwise('Neg', g))
    const scattered = graph.emit('ScatterElements', {
      inputs: [spread.name, labels.name, g.name],
      shape: logSoftmax.shape,
      attributes: { axis: int(-1), reduction: { kind: 'string', value: 'add' } },
    })
    return [scattered, undefined]
  },
  // xh = x * inverse: dx = inverse * (g w - xh * mean(g w * xh)), dw = sum(g * xh).
  RmsNorm: (call) => {
    const { graph, step, wanted } = call
    const [x, weight] = step.inputs as [Tensor, Tensor]
    const { inverse } = step.attributes
    const times = (a: Tensor, b: Tensor) => graph.pairwise('Mul', a, b)
    const xh = times(x, inverse)
    const toInput = () => {
      const scaled = times(given(call), weight)
      const along = graph.reduce('ReduceMean', times(scaled, xh), [x.shape.length - 1])
      return times(inverse, graph.pairwise('Sub', scaled, times(xh, along)))
    }
    return [
      wanted[0] ? toInput() : undefined,
      wanted[1] ? reduceTo(graph, times(given(call), xh), x.shape, weight.shape) : undefined,
    ]
  },
  Gemm: (call) => productGradients(call, call.graph.gemm),
  MatMul: (call) => productGradients(call, call.graph.matMul),
  Transpose: (call) => {
    const inverse: number[] = []
    call.step.attributes.permutation.forEach((from, to) => {
      inverse[from] = to
    })
    return [call.graph.transpose(whole(call), inverse)]
  },
  Reshape: (call) => [call.graph.reshape(whole(call), call.step.inputs[0]!.shape)],
  Split: ({ graph, step, upstream }) => {
    const parts = step.outputs.map(({ shape }, part) => graph.expand(upstream[part] ?? graph.scalar(0), shape))
    return [graph.concat(parts, step.attributes.axis)]
  },
  Concat: (call) => call.graph.split(whole(call), call.step.attributes.axis, call.step.attributes.sizes),
  Gather: (call) => {
    const { graph, step } = call
    const [table, rows] = step.inputs as [Tensor, Tensor]
    const zeros = graph.expand(graph.scalar(0), table.shape)
    const indices = graph.reshape(rows, [...rows.shape, 1])
    const scattered = graph.emit('ScatterND', {
      inputs: [zeros.name, indices.name, whole(call).name],
      shape: table.shape,
      attributes: { reduction: { kind: 'string', value: 'add' } },
    })
    return [scattered, undefined]
  },
  Checkpoint: (call) => {
    const { graph, step, wanted } = call
    const g = whole(call)
    const [first, ...others] = step.inputs as [Tensor, ...Tensor[]]
    // Adding nothing, taken from the upstream gradient, keeps the runtime from merging the two computations and delays the second.
    const axes = g.shape.map((_, axis) => axis)
    const nothing = graph.reshape(graph.pairwise('Mul', graph.reduce('ReduceSum', g, axes), graph.scalar(0)), [])
    const inputs = [graph.pairwise('Add', first, nothing), ...others]
    const { result, steps } = graph.apart(() => step.attributes.compute(inputs))
    const sought = inputs.filter((_, i) => wanted[i])
    const found = call.differentiate(graph, steps, new Map([[result.name, g]]), sought)
    let next = 0
    return wanted.map((isWanted) => (isWanted ? found[next++] : undefined))
  },
}

/** Of a step with one output. */
function given<K extends StepKind>({ upstream }: VjpCall<K>): Tensor {
  return upstream[0]!
}

function whole<K extends StepKind>(call: VjpCall<K>): Tensor {
  return call.graph.expand(given(call), (call.step as Step).outputs[0]!.shape)
}

function toOperands<K extends 'Add' | 'Sub' | 'Mul' | 'Min'>(
  { graph, step, wanted }: VjpCall<K>,
  toFirst: () => Tensor,
  toSecond: () => Tensor,
): readonly (Tensor | undefined)[] {
  const { inputs, outputs } = step as Step
  const [a, b] = inputs as [Tensor, Tensor]
  const [output] = outputs
  return [
    wanted[0] ? reduceTo(graph, toFirst(), output!.shape, a.shape) : undefined,
    wanted[1] ? reduceTo(graph, toSecond(), output!.shape, b.shape) : undefined,
  ]
}

/**
 * From the gradient of what an operand was broadcast to (`outputShape`) to that of the operand: the sum over the axes along which it was
 * spread. Where the gradient itself is not yet spread along such an axis, its sum is a multiple of it.
 */
export function reduceTo(graph: ShapedGraph, gradient: Tensor, outputShape: readonly number[], shape: readonly number[]): Tensor {
  const rank = outputShape.length
  const sizeIn = (of: readonly number[], axis: number) => of[of.length - rank + axis] ?? 1
  const axes: number[] = []
  let repeats = 1
  outputShape.forEach((size, axis) => {
    if (size === 1 || sizeIn(shape, axis) !== 1) return
    if (sizeIn(gradient.shape, axis) === 1) repeats *= size
    else axes.push(gradient.shape.length - rank + axis)
  })
  const summed = axes.length === 0 ? gradient : graph.reduce('ReduceSum', gradient, axes)
  const scaled = repeats === 1 ? summed : graph.pairwise('Mul', summed, graph.scalar(repeats))
  const leading = scaled.shape.length - shape.length
  return leading > 0 ? graph.reshape(scaled, scaled.shape.slice(leading)) : scaled
}

function compare(graph: ShapedGraph, operator: 'LessOrEqual' | 'GreaterOrEqual', a: Tensor, b: Tensor): Tensor {
  const shape = broadcastShape(a.shape, b.shape)
  return graph.emit(operator, { inputs: [a.name, b.name], shape, type: 'bool' })
}

/** y = op(a) op(b) scale (+ c): dc = g, da = g op(b)^T and db = op(a)^T g, or their transposes, with the same scale. */
function productGradients<K extends 'Gemm' | 'MatMul'>(
  call: VjpCall<K>,
  multiply: (a: Tensor, b: Tensor, options: ProductAttributes) => Tensor,
): readonly (Tensor | undefined)[] {
  const { graph, wanted } = call
  const step = call.step as Step<'Gemm' | 'MatMul'>
  const [a, b] = step.inputs as [Tensor, Tensor]
  const { transposeA, transposeB, scale } = step.attributes
  const g = whole(call)
  const times = (first: Tensor, second: Tensor, attributes: ProductAttributes) =>
    isWideTransposed(first, second, attributes)
      ? transposed(graph, graph.matMul(second, first, attributes))
      : multiply(first, second, attributes)
  const toA = () =>
    transposeA
      ? multiply(b, g, { transposeA: transposeB, transposeB: true, scale })
      : multiply(g, b, { transposeA: false, transposeB: !transposeB, scale })
  const toB = () =>
    transposeB
      ? times(g, a, { transposeA: true, transposeB: transposeA, scale })
      : times(a, g, { transposeA: !transposeA, transposeB: false, scale })
  return [wanted[0] ? unbatch(graph, toA(), a.shape) : undefined, wanted[1] ? unbatch(graph, toB(), b.shape) : undefined, g]
}

/**
 * a^T b with an a much wider than b, as (b^T a)^T: the runtime copies a transposed first operand number by number, and a product of few columns
 * is slow. `matMul`, since the runtime puts a transposed `gemm` back together. Of nearly equal widths the copy of the result costs as much as it saves.
 */
function isWideTransposed(a: Tensor, b: Tensor, { transposeA, transposeB }: ProductAttributes): boolean {
  const isSameRank = a.shape.length === b.shape.length
  return isSameRank && transposeA && !transposeB && a.shape.at(-1)! >= 4 * b.shape.at(-1)!
}

function transposed(graph: ShapedGraph, matrix: Tensor): Tensor {
  const axes = matrix.shape.map((_, axis) => axis)
  return graph.transpose(matrix, [...axes.slice(0, -2), axes.length - 1, axes.length - 2])
}

/** A product's own gradient is whole: what is left is the sum over leading axes along which an operand was broadcast. */
const unbatch = (graph: ShapedGraph, gradient: Tensor, shape: readonly number[]) =>
  reduceTo(graph, gradient, gradient.shape, shape)
