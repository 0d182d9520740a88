/** @file Every rule of the VJP table against central differences, in double precision. */
import * as ort from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { type ShapedGraph, type StepKind, shapedGraph, type Tensor } from '../../../src/graph/shaped-graph.ts'
import { gaussian, seededRandom } from '../../../src/math/random.ts'
import { gradients } from '../../../src/train/gradients.ts'
import { VJPS } from '../../../src/train/vjp.ts'

/** A function of some inputs that passes through one kind of step. */
interface Case {
  readonly name: string
  readonly kind: StepKind
  readonly inputs: readonly (readonly number[])[]
  compute(graph: ShapedGraph, inputs: readonly Tensor[]): Tensor
}

const integers = (graph: ShapedGraph, name: string, shape: readonly number[], values: readonly number[]): Tensor =>
  graph.emit('Cast', {
    inputs: [graph.constant(name, shape, values).name],
    shape,
    type: 'int64',
    attributes: { to: { kind: 'int', value: 7 } },
  })
const isPositive = (graph: ShapedGraph, x: Tensor): Tensor =>
  graph.emit('Greater', { inputs: [x.name, graph.scalar(0).name], shape: x.shape, type: 'bool' })

const CASES: readonly Case[] = [
  ...(['Add', 'Sub', 'Mul', 'Min'] as const).flatMap((kind): Case[] => [
    {
      name: kind,
      kind,
      inputs: [
        [2, 3],
        [2, 3],
      ],
      compute: (g, [a, b]) => g.pairwise(kind, a!, b!),
    },
    { name: `${kind} of a row`, kind, inputs: [[2, 3], [3]], compute: (g, [a, b]) => g.pairwise(kind, a!, b!) },
    {
      name: `${kind} of a column on the left`,
      kind,
      inputs: [
        [2, 1],
        [2, 3],
      ],
      compute: (g, [a, b]) => g.pairwise(kind, a!, b!),
    },
    {
      name: `${kind} of two that both spread`,
      kind,
      inputs: [
        [2, 1],
        [1, 3],
      ],
      compute: (g, [a, b]) => g.pairwise(kind, a!, b!),
    },
    { name: `${kind} of a scalar`, kind, inputs: [[], [2, 3]], compute: (g, [a, b]) => g.pairwise(kind, a!, b!) },
    {
      name: `${kind} spread before a sum, whose gradient is one number`,
      kind,
      inputs: [[3], [2, 3]],
      compute: (g, [a, b]) => g.reduce('ReduceSum', g.pairwise(kind, a!, b!), [0, 1]),
    },
  ]),
  ...(['Neg', 'Exp', 'Sigmoid'] as const).map(
    (kind): Case => ({ name: kind, kind, inputs: [[2, 3]], compute: (g, [x]) => g.elementwise(kind, x!) }),
  ),
  { name: 'Silu', kind: 'Silu', inputs: [[2, 3]], compute: (g, [x]) => g.silu(x!) },
  { name: 'Softplus', kind: 'Softplus', inputs: [[2, 3]], compute: (g, [x]) => g.softplus(x!) },
  { name: 'Clip', kind: 'Clip', inputs: [[4, 3]], compute: (g, [x]) => g.clip(x!, -0.4, 0.6) },
  {
    name: 'Where',
    kind: 'Where',
    inputs: [[2, 3], [2, 3], [3]],
    compute: (g, [c, a, b]) => g.where(isPositive(g, c!), a!, b!),
  },
  { name: 'ReduceSum', kind: 'ReduceSum', inputs: [[2, 3, 4]], compute: (g, [x]) => g.reduce('ReduceSum', x!, [0, 2]) },
  { name: 'ReduceMean', kind: 'ReduceMean', inputs: [[2, 3, 4]], compute: (g, [x]) => g.reduce('ReduceMean', x!, [1]) },
  { name: 'Softmax', kind: 'Softmax', inputs: [[2, 5]], compute: (g, [x]) => g.softmax(x!) },
  {
    name: 'LabelLogProbability',
    kind: 'LabelLogProbability',
    inputs: [[3, 5]],
    compute: (g, [x]) => g.labelLogProbability(x!, integers(g, 'labels', [3, 1], [4, 0, 2])),
  },
  { name: 'RmsNorm', kind: 'RmsNorm', inputs: [[3, 4], [4]], compute: (g, [x, w]) => g.rmsNorm(x!, w!, 1e-5) },
  ...[false, true].flatMap((transposeA) =>
    [false, true].flatMap((transposeB): Case[] => {
      const options = { transposeA, transposeB, scale: 0.7 }
      const a = transposeA ? [4, 2] : [2, 4]
      const b = transposeB ? [3, 4] : [4, 3]
      const how = `${transposeA ? 'a^T' : 'a'} ${transposeB ? 'b^T' : 'b'}`
      return [
        { name: `Gemm ${how}`, kind: 'Gemm', inputs: [a, b], compute: (g, [x, y]) => g.gemm(x!, y!, options) },
        {
          name: `Gemm ${how} + c`,
          kind: 'Gemm',
          inputs: [a, b, [2, 3]],
          compute: (g, [x, y, c]) => g.gemm(x!, y!, options, c),
        },
        {
          name: `MatMul ${how}`,
          kind: 'MatMul',
          inputs: [
            [2, ...a],
            [2, ...b],
          ],
          compute: (g, [x, y]) => g.matMul(x!, y!, options),
        },
        {
          name: `MatMul ${how} over a batch`,
          kind: 'MatMul',
          inputs: [
            [2, ...a],
            [1, ...b],
          ],
          compute: (g, [x, y]) => g.matMul(x!, y!, options),
        },
      ]
    }),
  ),
  { name: 'Transpose', kind: 'Transpose', inputs: [[2, 3, 4]], compute: (g, [x]) => g.transpose(x!, [1, 2, 0]) },
  { name: 'Reshape', kind: 'Reshape', inputs: [[2, 6]], compute: (g, [x]) => g.reshape(x!, [3, 4]) },
  {
    name: 'Split',
    kind: 'Split',
    inputs: [[2, 5]],
    compute: (g, [x]) => {
      const [a, , c] = g.split(x!, 1, [2, 1, 2]) as [Tensor, Tensor, Tensor]
      return g.pairwise('Mul', a, g.elementwise('Exp', c))
    },
  },
  {
    name: 'Concat',
    kind: 'Concat',
    inputs: [
      [2, 3],
      [2, 1],
    ],
    compute: (g, [a, b]) => g.concat([a!, b!], 1),
  },
  {
    name: 'Gather',
    kind: 'Gather',
    inputs: [[4, 3]],
    compute: (g, [x]) => g.gather(x!, integers(g, 'rows', [5], [2, 0, 2, 3, 2])),
  },
  {
    name: 'Checkpoint',
    kind: 'Checkpoint',
    inputs: [[2, 3], [3, 3], [3]],
    compute: (g, inputs) =>
      g.checkpoint(([x, w, unused]) => {
        const y = g.elementwise('Sigmoid', g.gemm(x!, w!))
        return g.pairwise('Add', g.pairwise('Mul', y, y), unused!)
      }, inputs),
  },
]

/** The function reduced to one number by fixed weights, run at given inputs: value and gradients. */
async function openCase({ inputs, compute }: Case) {
  const graph = shapedGraph('float64')
  const given = inputs.map((shape, i) => graph.input(`input.${i}`, shape))
  const result = compute(graph, given)
  const random = seededRandom(5)
  const weights = graph.constant(
    'weights',
    result.shape,
    Float64Array.from({ length: size(result.shape) }, () => gaussian(random)),
  )
  const axes = result.shape.map((_, axis) => axis)
  const loss = graph.reduce('ReduceSum', graph.pairwise('Mul', result, weights), axes)
  graph.output(loss, 'loss')
  const differentiated = given.filter((_, i) => !(compute.toString().includes('isPositive') && i === 0))
  gradients(graph, loss, differentiated).forEach((gradient, i) => {
    graph.output(gradient, `gradient.${differentiated[i]!.name}`)
  })
  // Some fusions have no double kernel: they come with the higher levels of optimisation.
  const session = await ort.InferenceSession.create(graph.bytes(), { graphOptimizationLevel: 'basic', logSeverityLevel: 3 })
  return {
    differentiated: differentiated.map(({ name }) => name),
    async run(values: readonly Float64Array[]) {
      const feeds = Object.fromEntries(values.map((v, i) => [`input.${i}`, new ort.Tensor('float64', v, inputs[i]!)]))
      const outputs = await session.run(feeds)
      return (name: string) => outputs[name]!.data as Float64Array
    },
    release: () => session.release(),
  }
}

const size = (shape: readonly number[]) => shape.reduce((product, side) => product * side, 1)
const STEP = 1e-5

describe('the gradient rule of', () => {
  it('every kind of step is among the cases', () => {
    expect(new Set(CASES.map(({ kind }) => kind))).toEqual(new Set(Object.keys(VJPS)))
  })

  it.each(CASES)('$name agrees with central differences', async (tested) => {
    const random = seededRandom(11)
    const values = tested.inputs.map((shape) => Float64Array.from({ length: size(shape) }, () => gaussian(random)))
    const { differentiated, run, release } = await openCase(tested)
    const at = await run(values)
    for (const name of differentiated) {
      const which = Number(name.split('.')[1])
      const found = at(`gradient.${name}`)
      expect(found.length).toBe(values[which]!.length)
      const largest = found.reduce((most, g) => Math.max(most, Math.abs(g)), 0)
      for (let i = 0; i < found.length; i++) {
        const moved = async (by: number) => {
          const changed = values.map((v) => v.slice())
          changed[which]![i]! += by
          return (await run(changed))('loss')[0]!
        }
        const difference = ((await moved(STEP)) - (await moved(-STEP))) / (2 * STEP)
        // The truncation of central differences is of the order of STEP^2, rounding of 1e-16 / STEP.
        expect(Math.abs(found[i]! - difference) / largest).toBeLessThan(1e-6)
      }
    }
    await release()
  })
})
