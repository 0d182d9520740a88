import { describe, expect, it } from 'vitest'
import { bytesSource } from '../../../src/formats/byte-source.ts'
import type { OnnxNode } from '../../../src/formats/onnx.ts'
import { readOnnxModel } from '../../../src/formats/onnx-reader.ts'
import { foreignShape } from '../../../src/graph/foreign-config.ts'
import { int } from '../../../src/graph/graph-builder.ts'
import { planSurgery } from '../../../src/graph/onnx-plan.ts'
import { surgeryEdits } from '../../../src/graph/onnx-surgery.ts'
import { zeroDisplacement } from '../../../src/model/displacement.ts'
import { genaiModel } from '../../fixtures/exported-genai.ts'
import type { ExportedGraph } from '../../fixtures/exported-graph.ts'
import { optimumModel } from '../../fixtures/exported-optimum.ts'
import { randomModel } from '../../fixtures/random-model.ts'

const random = randomModel()
type Change = (graph: ExportedGraph) => void

async function planOf(style: 'optimum' | 'genai', change?: Change) {
  const exported = await (style === 'optimum' ? optimumModel : genaiModel)(random, change && { change })
  const model = await readOnnxModel(bytesSource(exported.files.get(exported.name)!))
  return { model, shape: foreignShape(random.json), plan: planSurgery(model, foreignShape(random.json)) }
}

/** Replaces the one node of that name. */
function replace(graph: ExportedGraph, name: string, change: (node: OnnxNode) => OnnxNode): void {
  const index = graph.nodes.findIndex((node) => node.name === name)
  if (index < 0) throw new Error(`no node ${name}`)
  graph.nodes[index] = change(graph.nodes[index]!)
}

const wired = (from: string, to: string) => (node: OnnxNode) => ({
  ...node,
  inputs: node.inputs.map((input) => (input === from ? to : input)),
})

describe('plan of the surgery', () => {
  it('finds z behind the softmax of every layer, and says how', async () => {
    const { plan } = await planOf('optimum')
    expect(plan.layers.map(({ z }) => z)).toEqual([0, 1, 2].map((layer) => `/model/layers.${layer}/self_attn/Reshape_3_output_0`))
    expect(plan.layers[1]!.evidence.map(({ role, operator }) => [role, operator])).toEqual([
      ['attention', 'Softmax'],
      ['weights x values', 'MatMul'],
      ['between', 'Transpose'],
      ['heads side by side', 'Reshape'],
      ['projection', 'MatMul'],
      ['residual', 'Add'],
    ])
    expect(plan.layers[1]!.evidence[4]!.detail).toMatch(/^onnx::MatMul_\d+ \[64, 64\]$/)
  })

  it('finds z behind the attention operator of every layer', async () => {
    const { plan } = await planOf('genai')
    expect(plan.layers.map(({ z }) => z)).toEqual(
      [0, 1, 2].map((layer) => `/model/layers.${layer}/attn/GroupQueryAttention/output_0`),
    )
    expect(plan.layers[2]!.evidence.map(({ role }) => role)).toEqual(['attention', 'projection', 'residual'])
    expect(plan.interface.mostTokens).toBe(128)
  })

  it('orders layers and pairs caches by wiring, whatever their names and places are', async () => {
    const { plan } = await planOf('optimum', (graph) => {
      graph.nodes.reverse()
      const swap = (name: string) =>
        name.replace(/past_key_values\.([02])\./, (_, layer) => `past_key_values.${2 - Number(layer)}.`)
      graph.inputs.forEach((input, i) => {
        graph.inputs[i] = { ...input, name: swap(input.name) }
      })
      graph.nodes.forEach((node, i) => {
        graph.nodes[i] = { ...node, inputs: node.inputs.map(swap) }
      })
    })
    expect(plan.layers.map(({ z }) => z)).toEqual([0, 1, 2].map((layer) => `/model/layers.${layer}/self_attn/Reshape_3_output_0`))
    expect(plan.interface.caches[0]).toMatchObject({
      layer: 0,
      part: 'key',
      past: 'past_key_values.2.key',
      present: 'present.0.key',
    })
  })

  it('leaves a layer as it is where a baked displacement is zero', async () => {
    const { model, shape, plan } = await planOf('optimum')
    const displacement = zeroDisplacement(shape)
    displacement[64] = 1
    const { before, added } = surgeryEdits({ model, plan, shape, displacement })
    expect([...before!.keys()]).toEqual([plan.layers[1]!.reader])
    expect(added!.tensors!.map(({ name }) => name)).toEqual(['displacement.1'])
  })

  it('refuses a graph that is steered already', async () => {
    const { model, shape, plan } = await planOf('optimum', (graph) => graph.floats('displacement', [1], new Float32Array(1)))
    expect(() => surgeryEdits({ model, plan, shape, displacement: 'input' })).toThrow(
      'has a value displacement, a name that steering needs',
    )
  })
})

const oProj = '/model/layers.1/self_attn/o_proj/MatMul'
const z1 = '/model/layers.1/self_attn/Reshape_3_output_0'

/** What is wrong, the style, how it is made so, and what the error says. */
const REFUSED: readonly (readonly [string, 'optimum' | 'genai', Change, string])[] = [
  [
    'a layer without o_proj',
    'optimum',
    (graph) => replace(graph, oProj, (node) => ({ ...node, operator: 'Relu', inputs: node.inputs.slice(0, 1) })),
    'is followed by Relu',
  ],
  [
    'an attention operator that projects too',
    'genai',
    (graph) => replace(graph, '/model/layers.1/attn/GroupQueryAttention', (node) => ({ ...node, operator: 'SparseAttention' })),
    'of the operator SparseAttention, whose output is not known',
  ],
  [
    'two projections of one z',
    'optimum',
    (graph) => graph.node('MatMul', 'second', [z1, graph.nodes.find(({ name }) => name === oProj)!.inputs[1]!]),
    `value ${z1} is taken by MatMul ${oProj}, MatMul second`,
  ],
  [
    'a cross-attention in one layer',
    'optimum',
    (graph) =>
      graph.node('MatMul', 'cross', [
        graph.node('Softmax', 'cross/Softmax', ['/model/layers.1/self_attn/Add_output_0'], { axis: int(-1) }),
        'present.1.value',
      ]),
    'it has 4 attentions',
  ],
  [
    'a layer less than the config says',
    'optimum',
    (graph) => replace(graph, '/model/layers.1/self_attn/Softmax', (node) => ({ ...node, operator: 'Sigmoid', attributes: {} })),
    'it has 2 attentions',
  ],
  [
    'a softmax that multiplies nothing',
    'optimum',
    (graph) => replace(graph, '/model/layers.1/self_attn/MatMul_1', (node) => ({ ...node, operator: 'Mul' })),
    'expected one MatMul with the values',
  ],
  [
    'a softmax over another axis',
    'optimum',
    (graph) => replace(graph, '/model/layers.0/self_attn/Softmax', (node) => ({ ...node, attributes: { axis: int(1) } })),
    'goes over axis 1',
  ],
  [
    'a projection of another width',
    'optimum',
    (graph) =>
      replace(graph, oProj, (node) => ({
        ...node,
        inputs: [node.inputs[0]!, graph.floats('narrow', [64, 32], new Float32Array(2048))],
      })),
    'with a matrix of [64, 32], expected [heads * headDim, hidden] = [64, 64]',
  ],
  [
    'a projection by something computed',
    'optimum',
    (graph) => replace(graph, oProj, (node) => ({ ...node, inputs: [node.inputs[0]!, '/model/layers.0/Add_output_0'] })),
    'is followed by MatMul',
  ],
  [
    'a z of unknown rank',
    'optimum',
    (graph) =>
      replace(
        graph,
        '/model/layers.1/self_attn/Reshape_3',
        wired('/model/layers.1/self_attn/z/Concat_sizes_output_0', '/model/layers.1/self_attn/q_proj/Concat_sizes_output_0'),
      ),
    'before its heads lie side by side',
  ],
  [
    'a stream that starts anew',
    'optimum',
    (graph) =>
      replace(graph, '/model/layers.1/Add', wired('/model/layers.0/Add_1_output_0', '/model/embed_tokens/Gather_output_0')),
    'is not that of layer 0',
  ],
  [
    'attentions side by side',
    'optimum',
    (graph) => {
      for (const part of ['Pow', 'Mul'])
        replace(
          graph,
          `/model/layers.1/input_layernorm/${part}`,
          wired('/model/layers.0/Add_1_output_0', '/model/embed_tokens/Gather_output_0'),
        )
    },
    'both have 0 layers before them',
  ],
  [
    'other numbers of heads',
    'genai',
    (graph) =>
      replace(graph, '/model/layers.1/attn/GroupQueryAttention', (node) => ({
        ...node,
        attributes: { ...node.attributes, num_heads: int(8) },
      })),
    'has 8 heads',
  ],
  [
    'an input that nobody knows',
    'optimum',
    (graph) => graph.inputs.push({ name: 'use_cache_branch', type: 'bool', shape: [1] }),
    'it takes the input use_cache_branch, which is not known',
  ],
  [
    'no past',
    'optimum',
    (graph) => graph.inputs.splice(3, 1, { ...graph.inputs[3]!, shape: ['batch'] }),
    'layer 0 has 0 inputs for its past keys',
  ],
  [
    'a past of another width',
    'optimum',
    (graph) => graph.inputs.splice(3, 1, { ...graph.inputs[3]!, shape: ['batch', 2, 'past', 8] }),
    'expected [batch, 2, length, 16]',
  ],
  ['no logits', 'optimum', (graph) => graph.outputs.shift(), 'its outputs depend on 2 of 3 layers'],
]

describe('a graph that is not certain', () => {
  it.each(REFUSED)('is refused: %s', async (_, style, change, message) => {
    await expect(planOf(style, change)).rejects.toMatchObject({
      code: 'unsupported-model',
      message: expect.stringContaining(message),
    })
  })
})
