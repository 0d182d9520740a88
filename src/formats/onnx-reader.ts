/**
 * @file Reads ONNX models (onnx.proto3: ModelProto, GraphProto, NodeProto, AttributeProto, ValueInfoProto). Weights stay in the file; of everything
 * else a copy is held. What is not known is passed over, and stays in the file too. What could bring in code or data by a side door is refused:
 * functions, training information, sparse tensors, external data anywhere but in the graph's own initialisers.
 */
import { PalignError } from '../errors.ts'
import type { ByteSource } from './byte-source.ts'
import { checkGraph } from './onnx-check.ts'
import type { FileAttribute, FileGraph, FileNode, FileTensor, FileValue, OnnxFile, Span } from './onnx-file.ts'
import { messageOf, readMessage, refuseOnnx, shownName } from './onnx-message.ts'
import { MOST_HELD_DATA, tensorOf } from './onnx-tensor.ts'
import {
  type FieldReader,
  fieldReader,
  type PlacedBytes,
  type ProtobufField,
  protobufFields,
  refuseProtobuf,
  valueBytes,
} from './protobuf-reader.ts'

const LIMITS = {
  /** What protocol buffers allow for one message. */
  modelBytes: 2 ** 31,
  /** The largest graphs seen have some ten thousand. */
  nodes: 200_000,
  tensors: 200_000,
  values: 200_000,
  /** Of messages in messages; graphs in graphs are what nests. */
  depth: 64,
  /** One node, with the constants inside it; weights belong to initialisers, which stay in the file. */
  nodeBytes: 1 << 26,
  /** Initialisers with so many fields beside their numbers are no tensors. */
  tensorFields: 1000,
}

/** Field numbers of GraphProto. */
const NODE = 1
const INITIALISER = 5
const INPUT = 11
const OUTPUT = 12
const SPARSE_INITIALISER = 15

/** Counts over the whole file, graphs inside graphs included. */
interface Counts {
  nodes: number
  tensors: number
}

interface OpenGraph {
  readonly nodes: FileNode[]
  readonly tensors: FileTensor[]
  readonly inputs: FileValue[]
  readonly outputs: FileValue[]
}

/**
 * The model, with every rule checked: sizes, names that are unique, values that are defined, a graph without a cycle.
 * Whether other files hold the external data is checked by `checkExternalData`.
 * @throws PalignError `malformed-file`, or `unsupported-model` for operators that are neither ONNX's nor ONNX Runtime's
 */
export async function readOnnxModel(source: ByteSource): Promise<OnnxFile> {
  const { byteLength } = source
  if (byteLength > LIMITS.modelBytes) refuseOnnx(`file has ${byteLength} bytes, at most ${LIMITS.modelBytes} are read`)
  const reader = fieldReader(source)
  let graphField: ProtobufField | undefined
  const operatorSets = new Map<string, number>()
  await reader.walk(0, byteLength, async (field) => {
    if (field.number === 7) {
      if (graphField !== undefined || field.wireType !== 2) refuseProtobuf(field.start, 'a second graph, or none')
      graphField = field
    }
    if (field.number === 8) {
      if (operatorSets.size > 100) refuseProtobuf(field.start, 'more than 100 operator sets')
      const set = readMessage(await boundedBytes(reader, field, 1 << 13))
      operatorSets.set(set.text(1), set.integer(2))
    }
    if (field.number === 20) throw unsupported('training information')
    if (field.number === 25) throw unsupported('functions of its own')
  })
  if (graphField === undefined) return refuseOnnx(`file of ${byteLength} bytes has no graph`)
  const { start, valueStart, end } = graphField
  const graph = await readMainGraph(reader, valueStart, end)
  checkGraph(graph, operatorSets)
  return { byteLength, operatorSets, graph, graphSpan: { start, valueStart, end } }
}

async function readMainGraph(reader: FieldReader, start: number, end: number): Promise<FileGraph> {
  await checkCounts(reader, start, end)
  const graph: OpenGraph = { nodes: [], tensors: [], inputs: [], outputs: [] }
  const counts: Counts = { nodes: 0, tensors: 0 }
  await reader.walk(start, end, async (field) => {
    if (field.number === INITIALISER) {
      countTensor(counts, field)
      graph.tensors.push(await readTensor(reader, field))
    } else if ([NODE, INPUT, OUTPUT, SPARSE_INITIALISER].includes(field.number)) {
      addToGraph(graph, await boundedBytes(reader, field, LIMITS.nodeBytes), field, { counts, depth: 3 })
    }
  })
  return graph
}

/** Before anything is kept: a graph of too many parts must not fill the memory first. */
async function checkCounts(reader: FieldReader, start: number, end: number): Promise<void> {
  const counts = new Map<number, number>()
  await reader.walk(start, end, ({ number }) => {
    counts.set(number < 32 ? number : 0, (counts.get(number < 32 ? number : 0) ?? 0) + 1)
  })
  const bound = (number: number, what: string, most: number) => {
    const count = counts.get(number) ?? 0
    if (count > most) refuseOnnx(`graph has ${count} ${what}, at most ${most} are read`)
  }
  bound(NODE, 'nodes', LIMITS.nodes)
  bound(INITIALISER, 'initialisers', LIMITS.tensors)
  bound(INPUT, 'inputs', LIMITS.values)
  bound(OUTPUT, 'outputs', LIMITS.values)
}

async function boundedBytes(reader: FieldReader, field: ProtobufField, most: number): Promise<PlacedBytes> {
  if (field.wireType !== 2) refuseProtobuf(field.start, `field ${field.number} has wire type ${field.wireType}`)
  const length = field.end - field.valueStart
  if (length > most) refuseProtobuf(field.start, `field ${field.number} has ${length} bytes, at most ${most} are read`)
  return reader.bytes(field.valueStart, field.end)
}

/** Its numbers are left in the file where they are many. */
async function readTensor(reader: FieldReader, field: ProtobufField): Promise<FileTensor> {
  const span = { start: field.start, end: field.end }
  if (field.end - field.valueStart <= MOST_HELD_DATA) {
    return tensorOf(readMessage(await boundedBytes(reader, field, MOST_HELD_DATA)), span)
  }
  if (field.wireType !== 2) refuseProtobuf(field.start, `initialiser has wire type ${field.wireType}`)
  const fields: ProtobufField[] = []
  const held = new Map<ProtobufField, Uint8Array>()
  await reader.walk(field.valueStart, field.end, async (inner) => {
    if (fields.length >= LIMITS.tensorFields) refuseProtobuf(inner.start, `initialiser has over ${LIMITS.tensorFields} fields`)
    fields.push(inner)
    if (inner.end - inner.valueStart <= MOST_HELD_DATA) held.set(inner, (await reader.bytes(inner.valueStart, inner.end)).bytes)
  })
  const value = (inner: ProtobufField) => held.get(inner) ?? refuseProtobuf(inner.start, `field ${inner.number} is too long`)
  return tensorOf(messageOf(field.start, fields, value), span)
}

interface Nesting {
  readonly counts: Counts
  /** Of the message that is being read; the model is 1. */
  readonly depth: number
}

/** One field of GraphProto that lies in memory; `placed` is its value. */
function addToGraph(graph: OpenGraph, placed: PlacedBytes, field: ProtobufField, nesting: Nesting): void {
  const span = { start: field.start, end: field.end }
  switch (field.number) {
    case NODE:
      graph.nodes.push(nodeOf(placed, span, nesting))
      break
    case INITIALISER:
      countTensor(nesting.counts, field)
      graph.tensors.push(inNode(tensorOf(readMessage(placed), span)))
      break
    case INPUT:
      graph.inputs.push(valueInfo(placed))
      break
    case OUTPUT:
      graph.outputs.push(valueInfo(placed))
      break
    case SPARSE_INITIALISER:
      throw unsupported('sparse tensors')
  }
}

function nodeOf(placed: PlacedBytes, span: Span, { counts, depth }: Nesting): FileNode {
  if (++counts.nodes > LIMITS.nodes) refuseOnnx(`model has more than ${LIMITS.nodes} nodes`)
  const message = readMessage(placed)
  const attributes = new Map<string, FileAttribute>()
  for (const inner of message.messages(5)) {
    const [name, attribute] = attributeOf(inner, { counts, depth: depth + 1 })
    if (attributes.has(name)) refuseProtobuf(inner.offset, `attribute ${shownName(name)} is there twice`)
    attributes.set(name, attribute)
  }
  const operator = message.text(4)
  if (operator === '') refuseProtobuf(span.start, 'node has no operator')
  const domain = message.text(7)
  return {
    name: message.text(3),
    operator,
    domain: domain === 'ai.onnx' ? '' : domain,
    inputs: message.texts(1),
    outputs: message.texts(2),
    attributes,
    span,
  }
}

function attributeOf(placed: PlacedBytes, nesting: Nesting): [string, FileAttribute] {
  const message = readMessage(placed)
  const name = message.text(1)
  if (message.has(21)) throw unsupported('attributes that refer to those of a function')
  if (message.has(22) || message.has(23)) throw unsupported('sparse tensors')
  const graphs = [...message.messages(6), ...message.messages(11)]
  if (graphs.length > 0) return [name, { kind: 'graph', graphs: graphs.map((graph) => innerGraph(graph, nesting)) }]
  const tensors = [...message.messages(5), ...message.messages(10)].map((tensor) => {
    countTensor(nesting.counts, { start: tensor.offset })
    return inNode(tensorOf(readMessage(tensor), { start: tensor.offset, end: tensor.offset + tensor.bytes.length }))
  })
  if (tensors.length > 0) return [name, { kind: 'tensor', tensors }]
  // Older writers leave the type out: then the field that is there says it.
  const type = message.integer(20)
  if (type === 1 || (type === 0 && message.has(2))) return [name, { kind: 'float', value: message.float(2) }]
  if (type === 2 || (type === 0 && message.has(3))) return [name, { kind: 'int', value: message.integer(3) }]
  if (type === 3) return [name, stringAttribute(message.message(4))]
  if (type === 7 || (type === 0 && message.has(8))) return [name, { kind: 'ints', value: message.integers(8) }]
  return [name, { kind: 'other' }]
}

/** Texts of attributes may be long and need not be UTF-8: they decide nothing. */
function stringAttribute(text: PlacedBytes | undefined): FileAttribute {
  return { kind: 'string', value: text === undefined ? '' : new TextDecoder().decode(text.bytes.subarray(0, 4096)) }
}

function innerGraph(placed: PlacedBytes, { counts, depth }: Nesting): FileGraph {
  if (depth + 2 > LIMITS.depth) refuseProtobuf(placed.offset, `messages are nested deeper than ${LIMITS.depth}`)
  const graph: OpenGraph = { nodes: [], tensors: [], inputs: [], outputs: [] }
  for (const field of protobufFields(placed)) {
    if (![NODE, INITIALISER, INPUT, OUTPUT, SPARSE_INITIALISER].includes(field.number)) continue
    if (field.wireType !== 2) refuseProtobuf(field.start, `field ${field.number} has wire type ${field.wireType}`)
    const value = { bytes: valueBytes(placed, field), offset: field.valueStart }
    addToGraph(graph, value, field, { counts, depth: depth + 2 })
  }
  return graph
}

function inNode(tensor: FileTensor): FileTensor {
  if (tensor.content.kind === 'external') throw unsupported('external data inside nodes')
  return tensor
}

function countTensor(counts: Counts, { start }: { readonly start: number }): void {
  if (++counts.tensors > LIMITS.tensors) refuseProtobuf(start, `more than ${LIMITS.tensors} tensors`)
}

/** ValueInfoProto: a name, and the element type and shape where it is a tensor. */
function valueInfo(placed: PlacedBytes): FileValue {
  const message = readMessage(placed)
  const name = message.text(1)
  const type = message.message(2)
  const tensor = type && readMessage(type).message(1)
  if (tensor === undefined) return { name, elementType: 0, shape: undefined }
  const fields = readMessage(tensor)
  const shape = fields.message(2)
  return {
    name,
    elementType: fields.integer(1),
    shape: shape && readMessage(shape).messages(1).map(dimensionOf),
  }
}

function dimensionOf(placed: PlacedBytes): number | string | undefined {
  const dimension = readMessage(placed)
  if (dimension.has(1)) return dimension.integer(1)
  return dimension.has(2) ? dimension.text(2) : undefined
}

function unsupported(what: string): PalignError {
  return new PalignError('malformed-file', `onnx model has ${what}, which are not read`, {
    hint: 'export the model again without them',
  })
}
