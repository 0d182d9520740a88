/** @file Builds an ONNX graph node by node. A `Value` is the name of one; the empty name is an input left out. */
import {
  type OnnxAttribute,
  type OnnxNode,
  type OnnxTensor,
  type OnnxType,
  type OnnxValue,
  writeOnnxModel,
} from '../formats/onnx.ts'

export type Value = string

/** An operator of `com.microsoft`, or of ONNX where no domain is given. */
export interface Operation {
  readonly inputs: readonly Value[]
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>
  readonly domain?: 'com.microsoft'
  /** Names of the outputs, where they matter; an empty one is not computed. Default: one output with a name of its own. */
  readonly outputs?: readonly Value[]
}

export interface GraphBuilder {
  input(name: string, type: OnnxType, shape: OnnxValue['shape']): Value
  /** Declares a value, computed under this name, as an output. */
  output(name: Value, type: OnnxType, shape: OnnxValue['shape']): void
  /** Adds a tensor; the same name again is the same tensor. */
  tensor(tensor: OnnxTensor): Value
  /** A small constant of int64. */
  integers(values: readonly number[], shape?: readonly number[]): Value
  floats(name: string, shape: readonly number[], values: Float32Array): Value
  /** Adds a node and gives its first output. */
  node(operator: string, operation: Operation): Value
  /** The model, serialised. */
  bytes(metadata?: Readonly<Record<string, string>>): Uint8Array
}

export const int = (value: number): OnnxAttribute => ({ kind: 'int', value })
export const float = (value: number): OnnxAttribute => ({ kind: 'float', value })
export const ints = (...value: readonly number[]): OnnxAttribute => ({ kind: 'ints', value })

export function graphBuilder(): GraphBuilder {
  const nodes: OnnxNode[] = []
  const tensors = new Map<string, OnnxTensor>()
  const inputs: OnnxValue[] = []
  const outputs: OnnxValue[] = []

  const tensor = (added: OnnxTensor): Value => {
    tensors.set(added.name, added)
    return added.name
  }
  const inline = (numbers: Float32Array | BigInt64Array): OnnxTensor['content'] => ({
    kind: 'inline',
    bytes: new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength),
  })

  return {
    input(name, type, shape) {
      inputs.push({ name, type, shape })
      return name
    },
    output(name, type, shape) {
      outputs.push({ name, type, shape })
    },
    tensor,
    integers(values, shape = [values.length]) {
      const name = `integers [${shape}] ${values}`
      return tensor({ name, type: 'int64', shape, content: inline(BigInt64Array.from(values, BigInt)) })
    },
    floats: (name, shape, values) => tensor({ name, type: 'float32', shape, content: inline(values) }),
    node(operator, { inputs: from, attributes = {}, domain = '', outputs: to = [`${operator}_${nodes.length}`] }) {
      nodes.push({ operator, domain, inputs: from, outputs: to, attributes })
      return to[0]!
    },
    bytes: (metadata) => writeOnnxModel({ nodes, tensors: [...tensors.values()], inputs, outputs, metadata }),
  }
}
