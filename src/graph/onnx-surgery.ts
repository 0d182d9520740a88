/**
 * @file Surgery on an ONNX graph that others wrote: in every layer z + displacement goes where z went. The displacement is an input, as in graphs of our
 * own, or constants in the file; z of the last token can be an output. Nothing else changes, and nothing else is written anew.
 */
import { PalignError } from '../errors.ts'
import { elementType as elementTypeOf, type OnnxGraph, type OnnxNode, type OnnxTensor } from '../formats/onnx.ts'
import type { OnnxEdits } from '../formats/onnx-edit.ts'
import type { FileGraph, OnnxFile } from '../formats/onnx-file.ts'
import { toFloat16 } from '../math/half-floats.ts'
import { assertDisplacement, type Displacement } from '../model/displacement.ts'
import { type ModelShape, zWidth } from '../model/shape.ts'
import { int } from './graph-builder.ts'
import { DISPLACEMENT, layerDisplacement, Z } from './names.ts'
import { unsupportedGraph } from './onnx-attention.ts'
import type { PlannedLayer, SurgeryPlan } from './onnx-plan.ts'

export interface SurgeryOptions {
  readonly model: OnnxFile
  readonly plan: SurgeryPlan
  readonly shape: ModelShape
  /** `input`: fed at every run, `[1 or batch, layers, heads * headDim]` of float32. A displacement: baked in; layers where it is 0 are left as they are. */
  readonly displacement?: 'input' | Displacement | undefined
  /** Whether z of the last token is an output, `[batch, layers, heads * headDim]` of float32; default false. */
  readonly record?: boolean | undefined
  /** Whether keys and values of the new tokens alone are outputs as well, where the plan has them; default false. */
  readonly keepsCache?: boolean | undefined
}

/** @throws PalignError `unsupported-model` where a name that is needed is taken */
export function surgeryEdits({
  model,
  plan,
  shape,
  displacement,
  record = false,
  keepsCache = false,
}: SurgeryOptions): OnnxEdits {
  const { layers } = plan
  const baked = displacement !== undefined && displacement !== 'input' ? displacement : undefined
  if (baked !== undefined) assertDisplacement(baked, shape)
  const parts = baked === undefined ? [] : layers.map(({ layer }) => layerPart(baked, layer, shape))
  const displaced = displacement === 'input' ? layers : layers.filter(({ layer }) => parts[layer]?.some((value) => value !== 0))
  const taps = record ? tapsOf(plan, shape) : {}
  const split = displacement === 'input' ? splitInput(model, plan, shape) : {}
  const edits = {
    first: split.nodes,
    added: {
      nodes: taps.nodes ?? [],
      tensors: [
        ...(taps.tensors ?? []),
        ...(baked === undefined ? [] : displaced.map((planned) => constantPart(planned, parts[planned.layer]!))),
      ],
      inputs: split.inputs ?? [],
      outputs: [...(taps.outputs ?? []), ...(keepsCache ? freshOutputs(plan, shape) : [])],
    },
    before: new Map(displaced.map((planned) => [planned.reader, [addition(planned)]])),
    rewire: new Map(displaced.map(({ z, layer, reader }) => [reader, new Map([[z, steeredName(layer)]])])),
  } satisfies OnnxEdits
  checkNames(model.graph, edits)
  return edits
}

function freshOutputs({ interface: { caches } }: SurgeryPlan, { kvHeads, headDim }: ModelShape): OnnxGraph['outputs'] {
  return caches.flatMap(({ fresh }) =>
    fresh === undefined
      ? []
      : [{ name: fresh, type: 'float32' as const, shape: ['palign.batch', kvHeads, 'palign.tokens', headDim] }],
  )
}

const steeredName = (layer: number) => `palign.steered.${layer}`

function addition({ layer, z }: PlannedLayer): OnnxNode {
  return { operator: 'Add', domain: '', inputs: [z, layerDisplacement(layer)], outputs: [steeredName(layer)], attributes: {} }
}

/** Operator sets before this one split into as many equal parts as there are outputs, and do not know the attribute. */
const SPLIT_COUNTS_SINCE = 18

//   displacement [1 or B, layers, width] -> (to float16) -> Split -> one [1 or B, 1, width] for each layer
function splitInput({ operatorSets }: OnnxFile, { layers }: SurgeryPlan, shape: ModelShape): Partial<OnnxGraph> {
  const types = new Set(layers.map(({ elementType }) => elementType))
  if (types.size > 1) throw unsupportedGraph('its layers have several element types, expected one')
  const isHalf = types.has('float16')
  const half = `palign.${DISPLACEMENT}.float16`
  const cast = node('Cast', [DISPLACEMENT], [half], { to: int(elementTypeOf('float16')) })
  const version = operatorSets.get('') ?? operatorSets.get('ai.onnx') ?? 0
  const count = version >= SPLIT_COUNTS_SINCE ? { num_outputs: int(layers.length) } : {}
  const outputs = layers.map(({ layer }) => layerDisplacement(layer))
  const split = node('Split', [isHalf ? half : DISPLACEMENT], outputs, { axis: int(1), ...count })
  return {
    nodes: isHalf ? [cast, split] : [split],
    inputs: [{ name: DISPLACEMENT, type: 'float32', shape: ['palign.rows', shape.layers, zWidth(shape)] }],
  }
}

function constantPart({ layer, elementType }: PlannedLayer, values: Float32Array): OnnxTensor {
  const numbers = elementType === 'float16' ? toFloat16(values) : values.slice()
  const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength)
  return { name: layerDisplacement(layer), type: elementType, shape: [values.length], content: { kind: 'inline', bytes } }
}

function layerPart(displacement: Displacement, layer: number, shape: ModelShape): Float32Array {
  return displacement.subarray(layer * zWidth(shape), (layer + 1) * zWidth(shape))
}

//   z of a layer -> its last token [B, 1, width] -> (to float32) -> Concat over layers -> z
function tapsOf({ layers }: SurgeryPlan, shape: ModelShape): Partial<OnnxGraph> {
  const last = 'palign.last'
  const nodes: OnnxNode[] = []
  const taps = layers.map(({ layer, z, elementType }) => {
    const tap = `palign.tap.${layer}`
    nodes.push(node('Gather', [z, last], [tap], { axis: int(1) }))
    if (elementType === 'float32') return tap
    const widened = `${tap}.float32`
    nodes.push(node('Cast', [tap], [widened], { to: int(elementTypeOf('float32')) }))
    return widened
  })
  const minusOne = new Uint8Array(BigInt64Array.of(-1n).buffer)
  return {
    nodes: [...nodes, node('Concat', taps, [Z], { axis: int(1) })],
    tensors: [{ name: last, type: 'int64', shape: [1], content: { kind: 'inline', bytes: minusOne } }],
    outputs: [{ name: Z, type: 'float32', shape: ['palign.batch', shape.layers, zWidth(shape)] }],
  }
}

function node(
  operator: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: OnnxNode['attributes'],
): OnnxNode {
  return { operator, domain: '', inputs, outputs, attributes }
}

function checkNames(graph: FileGraph, { first = [], before = new Map(), added = {} }: OnnxEdits): void {
  const { nodes = [], tensors = [], inputs = [] } = added
  const fresh = new Set([
    ...[...first, ...[...before.values()].flat(), ...nodes].flatMap(({ outputs }: OnnxNode) => outputs),
    ...[...tensors, ...inputs].map(({ name }) => name),
  ])
  const taken = [
    ...graph.nodes.flatMap(({ outputs }) => outputs),
    ...[...graph.tensors, ...graph.inputs].map(({ name }) => name),
  ].find((name) => fresh.has(name))
  if (taken !== undefined)
    throw new PalignError('unsupported-model', `onnx graph has a value ${taken}, a name that steering needs`, {
      hint: 'the graph may be steered already; use the original export',
    })
}
