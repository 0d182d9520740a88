/**
 * @file Plan of the surgery on an ONNX graph that others wrote: the input of o_proj in every layer, found by how the graph is wired and never by
 * names, with the evidence for each. Whatever is not certain is refused with what was found.
 */
import type { FileNode, OnnxFile } from '../formats/onnx-file.ts'
import type { ModelShape } from '../model/shape.ts'
import {
  type AttentionCore,
  attentionCores,
  type Evidence,
  evidenceOf,
  listed,
  projectedHeads,
  unsupportedGraph,
} from './onnx-attention.ts'
import { type GraphInterface, graphInterface } from './onnx-interface.ts'
import { nodeName, type Wiring, wiringOf } from './onnx-wiring.ts'

export interface PlannedLayer {
  readonly layer: number
  /** Name of the value `[batch, tokens, heads * headDim]` that is displaced and recorded. */
  readonly z: string
  readonly elementType: 'float32' | 'float16'
  /** Takes z, and will take the displaced one: the projection, or what leads to it. */
  readonly reader: FileNode
  readonly evidence: readonly Evidence[]
}

export interface SurgeryPlan {
  readonly layers: readonly PlannedLayer[]
  readonly interface: GraphInterface
}

/** @throws PalignError `unsupported-model` with what was found instead */
export function planSurgery(model: OnnxFile, shape: ModelShape): SurgeryPlan {
  const { graph } = model
  const nested = graph.nodes.find(({ attributes }) => [...attributes.values()].some(({ kind }) => kind === 'graph'))
  if (nested !== undefined) {
    throw unsupportedGraph(`node ${nodeName(nested)} (${nested.operator}) holds a graph of its own, as merged decoders do`)
  }
  const wiring = wiringOf(graph)
  const cores = attentionCores(wiring, shape)
  if (cores.length !== shape.layers) {
    const found = listed(cores.map(({ start }) => start))
    throw unsupportedGraph(`it has ${cores.length} attentions (${found}), config.json says ${shape.layers} layers`)
  }
  const layers = inOrder(
    wiring,
    cores.map((core) => attentionLayer(wiring, core, shape)),
  )
  checkResiduals(wiring, layers)
  return {
    layers: layers.map(({ z, elementType, reader, evidence }, layer) => ({ layer, z, elementType, reader, evidence })),
    interface: graphInterface({ wiring, cores: layers.map(({ core }) => core), shape }),
  }
}

interface AttentionLayer extends Omit<PlannedLayer, 'layer'> {
  readonly core: AttentionCore
  readonly residual: Residual
}

/** Where the output of attention is added to the stream. */
interface Residual {
  readonly node: FileNode
  /** The other addend: the stream before this attention. */
  readonly before: string
  /** The stream after it. */
  readonly sum: string
}

function attentionLayer(wiring: Wiring, core: AttentionCore, shape: ModelShape): AttentionLayer {
  const { z, reader, projection, evidence } = projectedHeads(wiring, core, shape)
  const elementType = projection.elementType === 10 ? 'float16' : 'float32'
  const { residual, evidence: further } = residualAfter(wiring, projection.output)
  return { core, z, reader, elementType, residual, evidence: [...evidence, ...further] }
}

/** projection -> (+ bias) -> + stream. */
function residualAfter(wiring: Wiring, output: string): { readonly residual: Residual; readonly evidence: readonly Evidence[] } {
  const evidence: Evidence[] = []
  let value = output
  for (;;) {
    const [node, ...others] = wiring.readers(value)
    if (node === undefined || others.length > 0)
      throw unsupportedGraph(
        `projection output ${value} is taken by ${listed([node, ...others])}, expected one node that adds it to the stream`,
      )
    const residual = additionAt(wiring, node, value)
    if (residual !== undefined) return { residual, evidence: [...evidence, evidenceOf('residual', node)] }
    const isBias = node.operator === 'Add' && node.inputs.some((input) => wiring.constant(input) !== undefined)
    if (!isBias && !isSame(node)) {
      throw unsupportedGraph(`projection output ${value} is taken by ${listed([node])}, expected its addition to the stream`)
    }
    evidence.push(evidenceOf(isBias ? 'bias' : 'between', node))
    value = node.outputs[0]!
  }
}

const SKIP_NORMS: readonly string[] = ['SkipSimplifiedLayerNormalization', 'SkipLayerNormalization']
/** Outputs of those: normalised, mean, inverse deviation, sum. */
const SKIP_SUM = 3

/** The addition of `value` to something that is not constant. */
function additionAt(wiring: Wiring, node: FileNode, value: string): Residual | undefined {
  const [first = '', second = ''] = node.inputs
  const before = first === value ? second : first
  if (first !== value && second !== value) return undefined
  if (node.operator === 'Add' && node.domain === '' && wiring.constant(before) === undefined)
    return { node, before, sum: node.outputs[0]! }
  if (!SKIP_NORMS.includes(node.operator)) return undefined
  return { node, before, sum: node.outputs[SKIP_SUM] ?? '' }
}

/** Same numbers, other type or form. */
const isSame = ({ operator, domain }: FileNode) => domain === '' && ['Cast', 'Identity', 'Reshape'].includes(operator)

/** By how many attentions lie before each: every number from 0 on must be there once. */
function inOrder(wiring: Wiring, layers: readonly AttentionLayer[]): readonly AttentionLayer[] {
  const additions = new Set(layers.map(({ residual }) => residual.node))
  const before = new Map<string, number>()
  const most = (values: readonly string[]) => values.reduce((found, value) => Math.max(found, before.get(value) ?? 0), 0)
  const place = new Map<FileNode, number>()
  for (const node of wiring.nodes) {
    const count = most(node.inputs)
    place.set(node, count)
    for (const output of node.outputs) before.set(output, count + (additions.has(node) ? 1 : 0))
  }
  const ordered: AttentionLayer[] = []
  for (const layer of layers) {
    const index = place.get(layer.core.start)!
    if (ordered[index] !== undefined) {
      throw unsupportedGraph(
        `attentions ${nodeName(ordered[index].core.start)} and ${nodeName(layer.core.start)} both have ${index} layers before them, expected one after the other`,
      )
    }
    ordered[index] = layer
  }
  const missing = Array.from(ordered, (layer, index) => (layer === undefined ? index : -1)).find((index) => index >= 0)
  if (missing !== undefined)
    throw unsupportedGraph(`layer ${missing} was not found: no attention has ${missing} layers before it`)
  const reached = most(wiring.graph.outputs.map(({ name }) => name))
  if (reached !== layers.length) throw unsupportedGraph(`its outputs depend on ${reached} of ${layers.length} layers`)
  return ordered
}

/** The stream goes from one layer to the next through one further addition, that of the feed-forward part. */
function checkResiduals(wiring: Wiring, layers: readonly AttentionLayer[]): void {
  for (const [index, { residual, core }] of layers.entries()) {
    const previous = layers[index - 1]
    const source = streamSource(wiring, residual.before)
    if (previous === undefined) {
      if (addends(wiring, source) !== undefined)
        throw unsupportedGraph(`stream of layer 0 (${residual.before}) is a sum, expected the embedding`)
      continue
    }
    const before = addends(wiring, source)?.map((value) => streamSource(wiring, value)) ?? []
    if (previous.residual.sum === '' || !before.includes(previous.residual.sum)) {
      throw unsupportedGraph(
        `stream of layer ${index} (${residual.before}, to which the output of ${nodeName(core.start)} is added) is not that of layer ${index - 1} and one addition`,
      )
    }
  }
}

/** The value that another form, type or selection of tokens was made of. */
function streamSource(wiring: Wiring, value: string): string {
  let source = value
  for (;;) {
    const node = wiring.producer(source)
    const isSelection = node?.operator === 'Gather' && wiring.constant(node.inputs[0]!) === undefined
    if (node === undefined || !(isSame(node) || isSelection)) return source
    source = node.inputs[0]!
  }
}

function addends(wiring: Wiring, sum: string): readonly string[] | undefined {
  const node = wiring.producer(sum)
  if (node === undefined) return undefined
  const isSum =
    (node.operator === 'Add' && node.domain === '') || (SKIP_NORMS.includes(node.operator) && node.outputs[SKIP_SUM] === sum)
  if (!isSum) return undefined
  const [first = '', second = ''] = node.inputs
  return wiring.constant(first) === undefined && wiring.constant(second) === undefined ? [first, second] : undefined
}
