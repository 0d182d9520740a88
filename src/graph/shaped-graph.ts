/**
 * @file A graph whose tensors have known shapes, and which remembers how each was computed: what reverse-mode differentiation needs
 * (`train/gradients.ts`). Beside the nodes of ONNX it keeps a tape of steps; a step may stand for several nodes, and has one gradient rule.
 *
 * In single precision steps become the fastest kernels the runtime has. In double precision, meant for checking gradients, they
 * become plain ONNX operators, since the fused kernels have no double version.
 */
import { elementType, type OnnxTensor } from '../formats/onnx.ts'
import { float, graphBuilder, int, ints, type Operation } from './graph-builder.ts'

export type Precision = 'float32' | 'float64'

export interface Tensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly type: Precision | 'int64' | 'bool'
}

/** Products read `op(a) op(b) * scale`, where op transposes the last two axes if asked to. */
export interface ProductAttributes {
  readonly transposeA: boolean
  readonly transposeB: boolean
  readonly scale: number
}

/** Every kind of step and what it needs to know beside its inputs. */
export interface StepAttributes {
  Add: object
  Sub: object
  Mul: object
  Min: object
  Neg: object
  Exp: object
  Sigmoid: object
  /** x sigmoid(x). */
  Silu: { readonly sigmoid: Tensor }
  /** log(1 + exp(x)). */
  Softplus: object
  Clip: { readonly low: number; readonly high: number }
  /** Inputs: condition, value where true, value where false. */
  Where: object
  ReduceSum: { readonly axes: readonly number[] }
  ReduceMean: { readonly axes: readonly number[] }
  /** Over the last axis. */
  Softmax: object
  /** Inputs: logits `[rows, classes]`, labels `[rows, 1]`; output `[rows, 1]`: log of the softmax at the label. */
  LabelLogProbability: { readonly logSoftmax: Tensor }
  /** Inputs: x, weight over the last axis; x * weight / sqrt(mean(x * x) + epsilon). */
  RmsNorm: { readonly inverse: Tensor }
  /** Of matrices. */
  Gemm: ProductAttributes
  /** Of batches of matrices, whose leading axes broadcast. */
  MatMul: ProductAttributes
  Transpose: { readonly permutation: readonly number[] }
  Reshape: object
  Split: { readonly axis: number; readonly sizes: readonly number[] }
  Concat: { readonly axis: number; readonly sizes: readonly number[] }
  /** Inputs: table, row numbers of any shape. */
  Gather: object
  /** One step for what `compute` adds: its gradient computes it again, so that nothing inside is kept from the forward pass. */
  Checkpoint: { readonly compute: (inputs: readonly Tensor[]) => Tensor }
}

export type StepKind = keyof StepAttributes

export type Step<K extends StepKind = StepKind> = {
  [P in K]: {
    readonly kind: P
    readonly inputs: readonly Tensor[]
    readonly outputs: readonly Tensor[]
    readonly attributes: StepAttributes[P]
  }
}[K]

type Elementwise = 'Neg' | 'Exp' | 'Sigmoid'
type Pairwise = 'Add' | 'Sub' | 'Mul' | 'Min'

export interface ShapedGraph {
  readonly precision: Precision
  input(name: string, shape: readonly number[], type?: Tensor['type']): Tensor
  output(tensor: Tensor, name: string): void
  /** A weight in its file; one that is narrower than the graph is cast, which the runtime does once, at load. */
  weight(tensor: OnnxTensor): Tensor
  /** Numbers of the graph's precision. */
  constant(name: string, shape: readonly number[], values: ArrayLike<number>): Tensor
  scalar(value: number): Tensor
  /** Adds a node that leaves no step: for whatever needs no gradient, and for gradients themselves. */
  emit(operator: string, operation: Operation & { readonly shape: readonly number[]; readonly type?: Tensor['type'] }): Tensor
  elementwise(kind: Elementwise, x: Tensor): Tensor
  pairwise(kind: Pairwise, a: Tensor, b: Tensor): Tensor
  silu(x: Tensor): Tensor
  softplus(x: Tensor): Tensor
  clip(x: Tensor, low: number, high: number): Tensor
  where(condition: Tensor, a: Tensor, b: Tensor): Tensor
  /** Reduced axes stay, with size 1. */
  reduce(kind: 'ReduceSum' | 'ReduceMean', x: Tensor, axes: readonly number[]): Tensor
  softmax(x: Tensor): Tensor
  labelLogProbability(logits: Tensor, labels: Tensor): Tensor
  rmsNorm(x: Tensor, weight: Tensor, epsilon: number): Tensor
  /** op(a) op(b) scale + added, which has the shape of the product: one pass less than a product and an addition. */
  gemm(a: Tensor, b: Tensor, options?: Partial<ProductAttributes>, added?: Tensor): Tensor
  matMul(a: Tensor, b: Tensor, options?: Partial<ProductAttributes>): Tensor
  transpose(x: Tensor, permutation: readonly number[]): Tensor
  reshape(x: Tensor, shape: readonly number[]): Tensor
  expand(x: Tensor, shape: readonly number[]): Tensor
  split(x: Tensor, axis: number, sizes: readonly number[]): Tensor[]
  concat(parts: readonly Tensor[], axis: number): Tensor
  gather(table: Tensor, rows: Tensor): Tensor
  /** Everything inside `compute` that needs a gradient must be among `inputs`; the first of them is what the layer works on. */
  checkpoint(compute: (inputs: readonly Tensor[]) => Tensor, inputs: readonly Tensor[]): Tensor
  /** Runs `add` with a tape of its own: what it computed, and how. */
  apart<T>(add: () => T): { readonly result: T; readonly steps: readonly Step[] }
  /** How everything so far was computed, in order. */
  steps(): readonly Step[]
  bytes(): Uint8Array
}

const PLAIN: ProductAttributes = { transposeA: false, transposeB: false, scale: 1 }

export function shapedGraph(precision: Precision = 'float32'): ShapedGraph {
  const builder = graphBuilder()
  let tape: Step[] = []
  let count = 0

  const emit: ShapedGraph['emit'] = (operator, { shape, type = precision, ...operation }) => {
    const name = operation.outputs?.[0] ?? `${operator}.${count++}`
    builder.node(operator, { outputs: [name], ...operation })
    return { name, shape, type }
  }
  const names = (...tensors: readonly Tensor[]) => tensors.map(({ name }) => name)
  const noted = <K extends StepKind>(
    kind: K,
    inputs: readonly Tensor[],
    outputs: readonly Tensor[],
    attributes: StepAttributes[K],
  ): Tensor => {
    tape.push({ kind, inputs, outputs, attributes } as unknown as Step)
    return outputs[0]!
  }
  const product = (
    kind: 'Gemm' | 'MatMul',
    lower: (inputs: readonly [Tensor, Tensor, Tensor?], attributes: ProductAttributes, shape: readonly number[]) => Tensor,
  ) => {
    return (a: Tensor, b: Tensor, options: Partial<ProductAttributes> = {}, added?: Tensor): Tensor => {
      const attributes = { ...PLAIN, ...options }
      const inputs = added === undefined ? ([a, b] as const) : ([a, b, added] as const)
      return noted(kind, inputs, [lower(inputs, attributes, productShape(a, b, attributes))], attributes)
    }
  }
  const kernels = (precision === 'float32' ? fusedKernels : plainKernels)(emit)

  const graph: ShapedGraph = {
    precision,
    input(name, shape, type = precision) {
      builder.input(name, type, shape)
      return { name, shape, type }
    },
    output(tensor, name) {
      builder.node('Identity', { inputs: [tensor.name], outputs: [name] })
      builder.output(name, tensor.type, tensor.shape)
    },
    weight(tensor) {
      const name = builder.tensor(tensor)
      if (tensor.type === precision) return { name, shape: tensor.shape, type: precision }
      return emit('Cast', { inputs: [name], shape: tensor.shape, attributes: { to: int(elementType(precision)) } })
    },
    constant(name, shape, values) {
      const numbers = precision === 'float32' ? Float32Array.from(values) : Float64Array.from(values)
      const content = { kind: 'inline', bytes: new Uint8Array(numbers.buffer) } as const
      return { name: builder.tensor({ name, type: precision, shape, content }), shape, type: precision }
    },
    scalar: (value) => graph.constant(`scalar ${value}`, [], [value]),
    emit,
    elementwise: (kind, x) => noted(kind, [x], [emit(kind, { inputs: names(x), shape: x.shape })], {}),
    pairwise: (kind, a, b) =>
      noted(kind, [a, b], [emit(kind, { inputs: names(a, b), shape: broadcastShape(a.shape, b.shape) })], {}),
    silu(x) {
      const sigmoid = emit('Sigmoid', { inputs: names(x), shape: x.shape })
      const product = emit('Mul', { inputs: names(x, sigmoid), shape: x.shape })
      return noted('Silu', [x], [product], { sigmoid })
    },
    softplus: (x) => noted('Softplus', [x], [kernels.softplus(graph, x)], {}),
    clip(x, low, high) {
      const bounds = names(graph.scalar(low), graph.scalar(high))
      return noted('Clip', [x], [emit('Clip', { inputs: [x.name, ...bounds], shape: x.shape })], { low, high })
    },
    where(condition, a, b) {
      const shape = broadcastShape(condition.shape, broadcastShape(a.shape, b.shape))
      return noted('Where', [condition, a, b], [emit('Where', { inputs: names(condition, a, b), shape })], {})
    },
    reduce(kind, x, axes) {
      const shape = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size))
      return noted(kind, [x], [emit(kind, { inputs: [x.name, builder.integers(axes)], shape })], { axes })
    },
    softmax: (x) =>
      noted('Softmax', [x], [emit('Softmax', { inputs: names(x), shape: x.shape, attributes: { axis: int(-1) } })], {}),
    labelLogProbability(logits, labels) {
      const attributes = { axis: int(-1) }
      const logSoftmax = emit('LogSoftmax', { inputs: names(logits), shape: logits.shape, attributes })
      const chosen = emit('GatherElements', { inputs: names(logSoftmax, labels), shape: labels.shape, attributes })
      return noted('LabelLogProbability', [logits, labels], [chosen], { logSoftmax })
    },
    rmsNorm(x, weight, epsilon) {
      const { normed, inverse } = kernels.rmsNorm(graph, x, weight, epsilon)
      return noted('RmsNorm', [x, weight], [normed], { inverse })
    },
    gemm: product('Gemm', (inputs, { transposeA, transposeB, scale }, shape) =>
      emit('Gemm', {
        inputs: inputs.map((input) => input!.name),
        shape,
        attributes: { transA: int(Number(transposeA)), transB: int(Number(transposeB)), alpha: float(scale) },
      }),
    ),
    matMul: product('MatMul', ([a, b], attributes, shape) => kernels.matMul(graph, a, b, attributes, shape)),
    transpose(x, permutation) {
      const shape = permutation.map((axis) => x.shape[axis]!)
      const transposed = emit('Transpose', { inputs: names(x), shape, attributes: { perm: ints(...permutation) } })
      return noted('Transpose', [x], [transposed], { permutation })
    },
    reshape(x, shape) {
      if (isSameShape(x.shape, shape)) return x
      return noted('Reshape', [x], [emit('Reshape', { inputs: [x.name, builder.integers(shape)], shape, type: x.type })], {})
    },
    expand(x, shape) {
      if (isSameShape(x.shape, shape)) return x
      return emit('Expand', { inputs: [x.name, builder.integers(shape)], shape })
    },
    split(x, axis, sizes) {
      const parts = sizes.map((size) => ({
        name: `Split.${count++}`,
        shape: x.shape.map((whole, a) => (a === axis ? size : whole)),
        type: x.type,
      }))
      const inputs = [x.name, builder.integers(sizes)]
      builder.node('Split', { inputs, outputs: names(...parts), attributes: { axis: int(axis) } })
      noted('Split', [x], parts, { axis, sizes })
      return parts
    },
    concat(parts, axis) {
      const sizes = parts.map(({ shape }) => shape[axis]!)
      const total = sizes.reduce((sum, size) => sum + size, 0)
      const shape = parts[0]!.shape.map((size, a) => (a === axis ? total : size))
      const joined = emit('Concat', { inputs: names(...parts), shape, attributes: { axis: int(axis) } })
      return noted('Concat', parts, [joined], { axis, sizes })
    },
    gather(table, rows) {
      const shape = [...rows.shape, ...table.shape.slice(1)]
      return noted('Gather', [table, rows], [emit('Gather', { inputs: names(table, rows), shape })], {})
    },
    checkpoint(compute, inputs) {
      const { result } = graph.apart(() => compute(inputs))
      return noted('Checkpoint', inputs, [result], { compute })
    },
    apart(add) {
      const outer = tape
      tape = []
      try {
        return { result: add(), steps: tape }
      } finally {
        tape = outer
      }
    },
    steps: () => [...tape],
    bytes: () => builder.bytes(),
  }
  return graph
}

export function isSameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis])
}

/** The shape of an elementwise result, by the broadcasting rules of ONNX. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, axis) => {
    const [left, right] = [a[a.length - rank + axis] ?? 1, b[b.length - rank + axis] ?? 1]
    if (left !== right && left !== 1 && right !== 1) throw new RangeError(`shapes [${a}] and [${b}] do not broadcast`)
    return left === 1 ? right : left
  })
}

function productShape(a: Tensor, b: Tensor, { transposeA, transposeB }: ProductAttributes): number[] {
  const [rows, innerA] = lastTwo(a.shape, transposeA)
  const [innerB, columns] = lastTwo(b.shape, transposeB)
  if (innerA !== innerB) throw new RangeError(`shapes [${a.shape}] and [${b.shape}] do not multiply`)
  return [...broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2)), rows, columns]
}

function lastTwo(shape: readonly number[], isTransposed: boolean): [number, number] {
  const [rows, columns] = shape.slice(-2) as [number, number]
  return isTransposed ? [columns, rows] : [rows, columns]
}

/** How steps without an ONNX operator of their own are computed. */
interface Kernels {
  softplus(graph: ShapedGraph, x: Tensor): Tensor
  rmsNorm(graph: ShapedGraph, x: Tensor, weight: Tensor, epsilon: number): { normed: Tensor; inverse: Tensor }
  matMul(graph: ShapedGraph, a: Tensor, b: Tensor, attributes: ProductAttributes, shape: readonly number[]): Tensor
}

function fusedKernels(emit: ShapedGraph['emit']): Kernels {
  return {
    softplus: (_, x) => emit('Softplus', { inputs: [x.name], shape: x.shape }),
    rmsNorm(_, x, weight, epsilon) {
      const name = `${x.name} by ${weight.name}`
      const normed = emit('SimplifiedLayerNormalization', {
        inputs: [x.name, weight.name],
        shape: x.shape,
        outputs: [`${name}.normed`, `${name}.inverse`],
        attributes: { axis: int(-1), epsilon: float(epsilon), stash_type: int(1) },
      })
      return { normed, inverse: { name: `${name}.inverse`, shape: [...x.shape.slice(0, -1), 1], type: x.type } }
    },
    matMul: (_, a, b, { transposeA, transposeB, scale }, shape) =>
      emit('FusedMatMul', {
        domain: 'com.microsoft',
        inputs: [a.name, b.name],
        shape,
        attributes: { transA: int(Number(transposeA)), transB: int(Number(transposeB)), alpha: float(scale) },
      }),
  }
}

function plainKernels(emit: ShapedGraph['emit']): Kernels {
  const swapped = (x: Tensor): Tensor => {
    const axes = x.shape.map((_, axis) => axis)
    const permutation = [...axes.slice(0, -2), axes.length - 1, axes.length - 2]
    const shape = permutation.map((axis) => x.shape[axis]!)
    return emit('Transpose', { inputs: [x.name], shape, attributes: { perm: ints(...permutation) } })
  }
  return {
    // max(x, 0) + log(1 + exp(-|x|)): no overflow, and unlike Softplus it has a double kernel.
    softplus(graph, x) {
      const unary = (operator: string, of: Tensor) => emit(operator, { inputs: [of.name], shape: of.shape })
      const plusOne = (of: Tensor) => emit('Add', { inputs: [of.name, graph.scalar(1).name], shape: of.shape })
      const tail = unary('Log', plusOne(unary('Exp', unary('Neg', unary('Abs', x)))))
      return emit('Add', { inputs: [unary('Relu', x).name, tail.name], shape: x.shape })
    },
    rmsNorm(graph, x, weight, epsilon) {
      return graph.apart(() => {
        const squares = graph.reduce('ReduceMean', graph.pairwise('Mul', x, x), [x.shape.length - 1])
        const root = emit('Sqrt', { inputs: [graph.pairwise('Add', squares, graph.scalar(epsilon)).name], shape: squares.shape })
        const inverse = emit('Reciprocal', { inputs: [root.name], shape: root.shape })
        return { normed: graph.pairwise('Mul', graph.pairwise('Mul', x, inverse), weight), inverse }
      }).result
    },
    matMul(graph, a, b, { transposeA, transposeB, scale }, shape) {
      const [left, right] = [transposeA ? swapped(a) : a, transposeB ? swapped(b) : b]
      const plain = emit('MatMul', { inputs: [left.name, right.name], shape })
      if (scale === 1) return plain
      return emit('Mul', { inputs: [plain.name, graph.scalar(scale).name], shape })
    },
  }
}
