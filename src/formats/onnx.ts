/**
 * @file ONNX models, writing: the part of onnx.proto3 that our graphs need (ModelProto, GraphProto, NodeProto,
 * AttributeProto, TensorProto, ValueInfoProto). Tensors lie in the model or in a file beside it.
 */
import { PalignError } from '../errors.ts'
import { type ProtobufWriter, protobufMessage } from './protobuf.ts'

/** TensorProto.DataType. */
const ELEMENT_TYPES = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
} as const
export type OnnxType = keyof typeof ELEMENT_TYPES

/** The number by which an attribute names a type. */
export const elementType = (type: OnnxType): number => ELEMENT_TYPES[type]

export type OnnxAttribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'ints'; readonly value: readonly number[] }

export interface OnnxNode {
  /** Default: none. */
  readonly name?: string | undefined
  readonly operator: string
  /** Empty for the operators of ONNX itself. */
  readonly domain: string
  /** An empty name is an input left out. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Readonly<Record<string, OnnxAttribute>>
}

export interface OnnxTensor {
  readonly name: string
  readonly type: OnnxType
  readonly shape: readonly number[]
  readonly content:
    | { readonly kind: 'inline'; readonly bytes: Uint8Array }
    /** `file` is a plain file name in the folder of the model. */
    | { readonly kind: 'external'; readonly file: string; readonly offset: number; readonly byteLength: number }
}

/** A dimension is a size, or a name for one that is known only at run time. */
export interface OnnxValue {
  readonly name: string
  readonly type: OnnxType
  readonly shape: readonly (number | string)[]
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[]
  readonly tensors: readonly OnnxTensor[]
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
  /** Notes about the model, which change nothing of what it computes. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

const IR_VERSION = 10
/** The newest operator set of that IR version; `com.microsoft` has only ever had version 1. */
const OPERATOR_SETS = { '': 21, 'com.microsoft': 1 }

export function writeOnnxModel(graph: OnnxGraph): Uint8Array {
  return protobufMessage((model) => {
    model.integer(1, IR_VERSION)
    model.text(2, 'palign')
    model.message(7, (message) => writeGraph(message, graph))
    for (const [domain, version] of Object.entries(OPERATOR_SETS)) {
      model.message(8, (operatorSet) => {
        operatorSet.text(1, domain)
        operatorSet.integer(2, version)
      })
    }
    for (const [key, value] of Object.entries(graph.metadata ?? {})) {
      model.message(14, (entry) => {
        entry.text(1, key)
        entry.text(2, value)
      })
    }
  })
}

function writeGraph(message: ProtobufWriter, graph: OnnxGraph): void {
  writeParts(message, graph, 'palign')
}

function writeParts(message: ProtobufWriter, { nodes, tensors, inputs, outputs }: OnnxGraph, name?: string): void {
  for (const node of nodes) message.message(1, (inner) => writeNode(inner, node))
  if (name !== undefined) message.text(2, name)
  for (const tensor of tensors) message.message(5, (inner) => writeTensor(inner, tensor))
  for (const input of inputs) message.message(11, (inner) => writeValue(inner, input))
  for (const output of outputs) message.message(12, (inner) => writeValue(inner, output))
}

/** Parts of a graph as fields of GraphProto, to be put into one that exists. */
export function graphFields({ nodes = [], tensors = [], inputs = [], outputs = [] }: Partial<OnnxGraph>): Uint8Array {
  return protobufMessage((message) => writeParts(message, { nodes, tensors, inputs, outputs }))
}

function writeNode(message: ProtobufWriter, { name, operator, domain, inputs, outputs, attributes }: OnnxNode): void {
  for (const input of inputs) message.text(1, input)
  for (const output of outputs) message.text(2, output)
  if (name !== undefined) message.text(3, name)
  message.text(4, operator)
  for (const [name, attribute] of Object.entries(attributes))
    message.message(5, (inner) => writeAttribute(inner, name, attribute))
  message.text(7, domain)
}

function writeAttribute(message: ProtobufWriter, name: string, attribute: OnnxAttribute): void {
  message.text(1, name)
  switch (attribute.kind) {
    case 'float':
      message.float(2, attribute.value)
      message.integer(20, 1)
      return
    case 'int':
      message.integer(3, attribute.value)
      message.integer(20, 2)
      return
    case 'string':
      message.text(4, attribute.value)
      message.integer(20, 3)
      return
    case 'ints':
      for (const value of attribute.value) message.integer(8, value)
      message.integer(20, 7)
      return
    default:
      attribute satisfies never
  }
}

function writeTensor(message: ProtobufWriter, { name, type, shape, content }: OnnxTensor): void {
  for (const size of shape) message.integer(1, size)
  message.integer(2, ELEMENT_TYPES[type])
  message.text(8, name)
  if (content.kind === 'inline') {
    message.bytes(9, content.bytes)
    return
  }
  const { file, offset, byteLength } = content
  // The runtime resolves the name against the model's folder: anything but a plain name could leave it.
  if (!/^[\w-][\w.-]*$/.test(file))
    throw new PalignError('invalid-input', `weight file ${JSON.stringify(file)} is not a plain file name`)
  for (const [key, value] of Object.entries({ location: file, offset, length: byteLength })) {
    message.message(13, (entry) => {
      entry.text(1, key)
      entry.text(2, String(value))
    })
  }
  message.integer(14, 1)
}

function writeValue(message: ProtobufWriter, { name, type, shape }: OnnxValue): void {
  message.text(1, name)
  message.message(2, (typeProto) =>
    typeProto.message(1, (tensorType) => {
      tensorType.integer(1, ELEMENT_TYPES[type])
      tensorType.message(2, (shapeProto) => {
        for (const size of shape) {
          shapeProto.message(1, (dimension) => (typeof size === 'number' ? dimension.integer(1, size) : dimension.text(2, size)))
        }
      })
    }),
  )
}
