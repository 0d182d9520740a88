/** @file Which operator of our graphs a device computes otherwise than the CPU: each alone, over random numbers. For errors that name a culprit. */
import type { Tensor } from 'onnxruntime-common'
import { BLOCK } from '../formats/quantised-matrix.ts'
import { float, type GraphBuilder, graphBuilder, int, ints, type Value } from '../graph/graph-builder.ts'
import { gaussian, seededRandom } from '../math/random.ts'
import type { Runtime } from './open-engine.ts'
import { largestChange } from './self-test.ts'

export interface DevicePair {
  readonly cpu: Runtime
  readonly runtime: Runtime
}

export interface OperatorDistance {
  readonly operator: string
  /** Of the largest number that the CPU gives; NaN where the device gives NaN, infinity where it cannot run the operator. */
  readonly distance: number
}

const ROWS = 40
const WIDTH = 64
const TOLERANCE = 1e-4
const OUT = 'out'

/** Adds one operator over inputs `[1, rows, width]` and names its output. */
type OperatorCase = (builder: GraphBuilder, x: Value, y: Value) => void

const microsoft = { domain: 'com.microsoft' } as const

function matrix(builder: GraphBuilder): Value {
  const random = seededRandom(5)
  return builder.floats(
    'matrix',
    [WIDTH, WIDTH],
    Float32Array.from({ length: WIDTH * WIDTH }, () => gaussian(random)),
  )
}

function gain(builder: GraphBuilder): Value {
  return builder.floats(
    'gain',
    [WIDTH],
    Float32Array.from({ length: WIDTH }, (_, i) => 1 + Math.sin(i) / 4),
  )
}

/** Names of operators -> one of each as our graphs use it. */
const CASES: Readonly<Record<string, OperatorCase>> = {
  Add: (builder, x, y) => builder.node('Add', { inputs: [x, y], outputs: [OUT] }),
  Mul: (builder, x, y) => builder.node('Mul', { inputs: [x, builder.node('Sigmoid', { inputs: [y] })], outputs: [OUT] }),
  Gather: (builder, x) =>
    builder.node('Gather', { inputs: [x, builder.integers([3, 0, 11])], attributes: { axis: int(1) }, outputs: [OUT] }),
  Split: (builder, x) => {
    builder.node('Split', { inputs: [x], outputs: ['a', 'b'], attributes: { axis: int(-1), num_outputs: int(2) } })
    builder.node('Sub', { inputs: ['a', 'b'], outputs: [OUT] })
  },
  Concat: (builder, x, y) => builder.node('Concat', { inputs: [x, y], attributes: { axis: int(1) }, outputs: [OUT] }),
  Transpose: (builder, x) => builder.node('Transpose', { inputs: [x], attributes: { perm: ints(0, 2, 1) }, outputs: [OUT] }),
  Softmax: (builder, x) => builder.node('Softmax', { inputs: [x], attributes: { axis: int(-1) }, outputs: [OUT] }),
  MatMul: (builder, x) => builder.node('MatMul', { inputs: [x, matrix(builder)], outputs: [OUT] }),
  FusedMatMul: (builder, x) =>
    builder.node('FusedMatMul', { ...microsoft, inputs: [x, matrix(builder)], attributes: { transB: int(1) }, outputs: [OUT] }),
  SimplifiedLayerNormalization: (builder, x) =>
    builder.node('SimplifiedLayerNormalization', {
      inputs: [x, gain(builder)],
      attributes: { axis: int(-1), epsilon: float(1e-5), stash_type: int(1) },
      outputs: [OUT],
    }),
  SkipSimplifiedLayerNormalization: (builder, x, y) =>
    builder.node('SkipSimplifiedLayerNormalization', {
      ...microsoft,
      inputs: [x, y, gain(builder)],
      attributes: { epsilon: float(1e-5) },
      outputs: [OUT],
    }),
  RotaryEmbedding: (builder, x) => rotary(builder, x),
  'MatMulNBits of 4 bits': (builder, x) => blocks(builder, x, 4),
  'MatMulNBits of 8 bits': (builder, x) => blocks(builder, x, 8),
  GroupQueryAttention: (builder, x, y) => attention(builder, x, y),
}

/** Of fused graphs, which other devices than the CPU are not given. */
const FUSED_ONLY: readonly string[] = ['FusedMatMul', 'RotaryEmbedding', 'GroupQueryAttention']
const PLAIN = Object.keys(CASES).filter((operator) => !FUSED_ONLY.includes(operator))

function angles(builder: GraphBuilder): readonly Value[] {
  return (['cos', 'sin'] as const).map((name) =>
    builder.floats(
      name,
      [2 * ROWS, 8],
      Float32Array.from({ length: 16 * ROWS }, (_, i) => Math[name](Math.floor(i / 8) / 10 ** (i % 8))),
    ),
  )
}

function rotary(builder: GraphBuilder, x: Value): void {
  const positions = builder.integers(
    Array.from({ length: ROWS }, (_, i) => i),
    [1, ROWS],
  )
  // 4 heads of 16.
  const attributes = { interleaved: int(0), num_heads: int(4), rotary_embedding_dim: int(0) }
  builder.node('RotaryEmbedding', { ...microsoft, inputs: [x, positions, ...angles(builder)], attributes, outputs: [OUT] })
}

function blocks(builder: GraphBuilder, x: Value, bits: 4 | 8): void {
  const size = [WIDTH, WIDTH / BLOCK, (BLOCK * bits) / 8]
  const bytes = Uint8Array.from({ length: (WIDTH * WIDTH * bits) / 8 }, (_, i) => (i * 73 + (i >> 3)) % 256)
  const numbers = builder.tensor({ name: 'numbers', type: 'uint8', shape: size, content: { kind: 'inline', bytes } })
  const scale = builder.floats('scale', [WIDTH, WIDTH / BLOCK], new Float32Array((WIDTH * WIDTH) / BLOCK).fill(1 / 128))
  const attributes = { K: int(WIDTH), N: int(WIDTH), bits: int(bits), block_size: int(BLOCK), accuracy_level: int(1) }
  builder.node('MatMulNBits', { ...microsoft, inputs: [x, numbers, scale], attributes, outputs: [OUT] })
}

function attention(builder: GraphBuilder, x: Value, y: Value): void {
  const last = builder.tensor({ name: 'last', type: 'int32', shape: [1], content: inline(Int32Array.of(ROWS - 1)) })
  const total = builder.tensor({ name: 'total', type: 'int32', shape: [], content: inline(Int32Array.of(ROWS)) })
  builder.node('GroupQueryAttention', {
    ...microsoft,
    inputs: [x, y, x, '', '', last, total, ...angles(builder)],
    outputs: [OUT, 'keys', 'values'],
    attributes: { num_heads: int(4), kv_num_heads: int(4), do_rotary: int(1), rotary_interleaved: int(0) },
  })
}

const inline = ({ buffer }: Int32Array) => ({ kind: 'inline', bytes: new Uint8Array(buffer) }) as const

/** How far apart the two runtimes are, for each operator of fused and plain graphs. */
export async function operatorDistances(pair: DevicePair): Promise<readonly OperatorDistance[]> {
  const distances: OperatorDistance[] = []
  for (const operator of Object.keys(CASES)) distances.push({ operator, distance: await distanceOf(operator, pair) })
  return distances
}

/** The first of those of plain graphs that differs; undefined where none does by itself. */
export async function differingOperator(pair: DevicePair): Promise<OperatorDistance | undefined> {
  for (const operator of PLAIN) {
    const distance = await distanceOf(operator, pair)
    if (!(distance <= TOLERANCE)) return { operator, distance }
  }
  return undefined
}

async function distanceOf(operator: string, { cpu, runtime }: DevicePair): Promise<number> {
  const builder = graphBuilder()
  const size = [1, ROWS, WIDTH]
  const [x, y] = [builder.input('x', 'float32', size), builder.input('y', 'float32', size)]
  CASES[operator]!(builder, x, y)
  // Declared with unknown sizes: they are the operator's.
  builder.output(OUT, 'float32', ['a', 'b', 'c'])
  const graph = builder.bytes()
  const expected = await outputOf(graph, cpu)
  const found = await outputOf(graph, runtime).catch(() => undefined)
  if (found === undefined) return Number.POSITIVE_INFINITY
  return largestChange(found, expected) / expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
}

async function outputOf(graph: Uint8Array, { createSession, Tensor }: Runtime): Promise<Float32Array> {
  const session = await createSession(graph, 'decode')
  try {
    const random = seededRandom(1)
    const numbers = () =>
      new Tensor(
        'float32',
        Float32Array.from({ length: ROWS * WIDTH }, () => gaussian(random)),
        [1, ROWS, WIDTH],
      ) as Tensor
    const feeds = { x: numbers(), y: numbers() }
    const outputs = await session.run(Object.fromEntries(session.inputNames.map((name) => [name, feeds[name as 'x' | 'y']])), [
      OUT,
    ])
    return Float32Array.from(outputs[OUT]!.data as Float32Array)
  } finally {
    await session.release()
  }
}
