/**
 * @file Where attention happens in an ONNX graph that others wrote: one operator that does it all, or a softmax whose output multiplies values. From
 * there the way is followed to z, the heads side by side, and on to the projection that takes it.
 */
import { PalignError } from '../errors.ts'
import type { FileNode } from '../formats/onnx-file.ts'
import { type ModelShape, zWidth } from '../model/shape.ts'
import { type Linear, linearAt } from './onnx-linear.ts'
import { intAttribute, nodeName, type Wiring } from './onnx-wiring.ts'

/** A node on the way, and what it is there for. */
export interface Evidence {
  readonly role: 'attention' | 'weights x values' | 'heads side by side' | 'between' | 'projection' | 'bias' | 'residual'
  readonly operator: string
  /** Its name, or that of its first output. */
  readonly node: string
  readonly detail?: string | undefined
}

export interface AttentionCore {
  /** The operator, or the softmax. */
  readonly start: FileNode
  /** The operator, or the product of weights and values. */
  readonly end: FileNode
  readonly evidence: readonly Evidence[]
}

/** Attention operators whose first output is z, and the attribute that counts their query heads. */
const FUSED: Readonly<Record<string, string>> = {
  'com.microsoft:GroupQueryAttention': 'num_heads',
  'com.microsoft:MultiHeadAttention': 'num_heads',
  ':Attention': 'q_num_heads',
}

/** @throws PalignError `unsupported-model` for attention that is not known */
export function attentionCores(wiring: Wiring, shape: ModelShape): readonly AttentionCore[] {
  const cores: AttentionCore[] = []
  for (const node of wiring.nodes) {
    const headsAttribute = FUSED[`${node.domain}:${node.operator}`]
    if (headsAttribute !== undefined) cores.push(fusedCore(node, headsAttribute, shape))
    else if (/attention/i.test(node.operator)) {
      throw unsupportedGraph(
        `node ${nodeName(node)} is of the operator ${node.operator}, whose output is not known to be the heads side by side`,
      )
    } else if (node.operator === 'Softmax') cores.push(decomposedCore(wiring, node))
  }
  return cores
}

function fusedCore(node: FileNode, attribute: string, shape: ModelShape): AttentionCore {
  const heads = intAttribute(node, attribute)
  const kvHeads = intAttribute(node, 'kv_num_heads')
  if (heads !== shape.heads || (kvHeads !== undefined && kvHeads !== shape.kvHeads)) {
    throw unsupportedGraph(
      `${node.operator} ${nodeName(node)} has ${heads} heads and ${kvHeads ?? 'as many'} for keys, config.json says ${shape.heads} and ${shape.kvHeads}`,
    )
  }
  return { start: node, end: node, evidence: [evidenceOf('attention', node, `${heads} heads`)] }
}

/** softmax -> (what replaces NaN, a cast) -> x values. */
function decomposedCore(wiring: Wiring, softmax: FileNode): AttentionCore {
  const axis = intAttribute(softmax, 'axis') ?? -1
  if (![-1, 3, 4].includes(axis)) throw unsupportedGraph(`Softmax ${nodeName(softmax)} goes over axis ${axis}, expected the last`)
  const between: Evidence[] = []
  let value = softmax.outputs[0]!
  for (let next = passing(wiring, value); next !== undefined; next = passing(wiring, value)) {
    between.push(evidenceOf('between', next))
    value = next.outputs[0]!
  }
  const [mix, ...others] = wiring.readers(value)
  const isMix = mix?.operator === 'MatMul' && mix.inputs[0] === value && wiring.constant(mix.inputs[1]!) === undefined
  if (!isMix || others.length > 0) {
    throw unsupportedGraph(
      `Softmax ${nodeName(softmax)} is followed by ${listed([mix, ...others])}, expected one MatMul with the values of attention`,
    )
  }
  const evidence = [evidenceOf('attention', softmax), ...between, evidenceOf('weights x values', mix)]
  return { start: softmax, end: mix, evidence }
}

/** A node that hands attention weights on: another type, the same numbers, or zero for the NaN of rows that see nothing. */
function passing(wiring: Wiring, value: string): FileNode | undefined {
  const readers = wiring.readers(value)
  const [only] = readers
  if (readers.length === 1 && ['Cast', 'Identity', 'Dropout'].includes(only!.operator)) return only
  const where = readers.find(({ operator }) => operator === 'Where')
  const isNan = readers.find(({ operator }) => operator === 'IsNaN')
  const replacesNan =
    readers.length === 2 &&
    where?.inputs[0] === isNan?.outputs[0] &&
    where?.inputs[2] === value &&
    wiring.constant(where.inputs[1]!) !== undefined
  return replacesNan ? where : undefined
}

/** z, the one node that takes it, and the projection it reaches. */
export interface ProjectedHeads {
  readonly z: string
  readonly reader: FileNode
  readonly projection: Linear
  readonly evidence: readonly Evidence[]
}

/** Operators that move numbers about and change none. */
const MOVING: readonly string[] = ['Identity', 'Transpose', 'Reshape', 'Cast', 'Squeeze', 'Unsqueeze']

/** @throws PalignError `unsupported-model` where the way is not one, or does not end in a projection of all heads */
export function projectedHeads(wiring: Wiring, core: AttentionCore, shape: ModelShape): ProjectedHeads {
  const width = zWidth(shape)
  const evidence: Evidence[] = []
  let value = core.end.outputs[0]!
  let z = core.start === core.end ? value : undefined
  for (;;) {
    const reader = onlyReader(wiring, value)
    const projection = linearAt(wiring, reader, value)
    if (projection !== undefined) {
      if (z === undefined) throw unsupportedGraph(`${where(core)} reaches ${nodeName(reader)} before its heads lie side by side`)
      return finish(z, projection)
    }
    const isSelection = z !== undefined && isTokenSelection(wiring, reader, value)
    if (!isSelection && (reader.inputs[0] !== value || reader.domain !== '' || !MOVING.includes(reader.operator))) {
      throw unsupportedGraph(`${where(core)} is followed by ${listed([reader])}, expected the projection of its heads`)
    }
    if (z !== undefined && reader.operator === 'Cast')
      throw unsupportedGraph(
        `${where(core)} is converted by ${nodeName(reader)} before its projection, so that the type of z is not known`,
      )
    const target = reader.operator === 'Reshape' ? reshapeTarget(wiring, reader) : undefined
    const isJoin = z === undefined && target?.length === 3 && (target[2] === width || target[2] === -1)
    evidence.push(
      evidenceOf(isJoin ? 'heads side by side' : 'between', reader, target && `[${target.map((size) => size ?? '?')}]`),
    )
    value = reader.outputs[0]!
    if (isJoin) z = value
  }

  function finish(found: string, projection: Linear): ProjectedHeads {
    const { product, weight, in: width_, out, elementType } = projection
    if (width_ !== width || out !== shape.hiddenSize) {
      throw unsupportedGraph(
        `${where(core)} reaches ${nodeName(product)} with a matrix of [${width_}, ${out}], expected [heads * headDim, hidden] = [${width}, ${shape.hiddenSize}]`,
      )
    }
    if (elementType !== 1 && elementType !== 10)
      throw unsupportedGraph(
        `projection ${nodeName(product)} has element type ${elementType}, supported are float32 (1) and float16 (10)`,
      )
    const detail = `${weight} [${width_}, ${out}]`
    return {
      z: found,
      reader: onlyReader(wiring, found),
      projection,
      evidence: [...core.evidence, ...evidence, evidenceOf('projection', product, detail)],
    }
  }
}

/** Which tokens go on: rows of `[tokens, width]` chosen by a value that is not constant. */
function isTokenSelection(wiring: Wiring, node: FileNode, value: string): boolean {
  const isRows = node.operator === 'Gather' && node.inputs[0] === value && (intAttribute(node, 'axis') ?? 0) === 0
  return isRows && wiring.constant(node.inputs[1]!) === undefined
}

function onlyReader(wiring: Wiring, value: string): FileNode {
  const readers = wiring.readers(value)
  if (readers.length !== 1) throw unsupportedGraph(`value ${value} is taken by ${listed(readers)}, expected one node`)
  return readers[0]!
}

/** Sizes a Reshape asks for; undefined where one is computed. Undefined as a whole where their number is not known. */
function reshapeTarget(wiring: Wiring, reshape: FileNode): readonly (number | undefined)[] | undefined {
  const target = reshape.inputs[1] ?? ''
  const constant = wiring.constant(target)
  if (constant !== undefined) return constant.integers
  const concat = wiring.producer(target)
  if (concat?.operator !== 'Concat') return undefined
  const sizes: (number | undefined)[] = []
  for (const input of concat.inputs) {
    const known = wiring.constant(input)
    const isOne = wiring.producer(input)?.operator === 'Unsqueeze'
    if (known?.integers !== undefined) sizes.push(...known.integers)
    else if (isOne) sizes.push(undefined)
    else return undefined
  }
  return sizes
}

export function evidenceOf(role: Evidence['role'], node: FileNode, detail?: string): Evidence {
  return { role, operator: node.operator, node: nodeName(node), ...(detail !== undefined && { detail }) }
}

const where = ({ start }: AttentionCore) => `attention ${nodeName(start)} (${start.operator})`

export function listed(nodes: readonly (FileNode | undefined)[]): string {
  const found = nodes.filter((node) => node !== undefined)
  if (found.length === 0) return 'nothing'
  const names = found.slice(0, 4).map((node) => `${node.operator} ${nodeName(node)}`)
  return found.length > names.length ? `${names.join(', ')} and ${found.length - names.length} more` : names.join(', ')
}

export function unsupportedGraph(message: string): PalignError {
  return new PalignError('unsupported-model', `onnx graph cannot be steered: ${message.slice(0, 600)}`, {
    hint: 'use the safetensors of the model, or another export of it; palign steers only where it is sure to reach the input of o_proj in every layer',
  })
}
