/** @file Linear layers as exporters write them: one product of a value with a constant matrix, plain, transposed, dequantised, or quantised with its input. */
import type { FileNode } from '../formats/onnx-file.ts'
import { type Constant, intAttribute, type Wiring } from './onnx-wiring.ts'

export interface Linear {
  /** The node that takes the input. */
  readonly entry: FileNode
  /** The node that multiplies. */
  readonly product: FileNode
  /** Matrix, seen as `[in, out]`. */
  readonly in: number
  readonly out: number
  /** Name of the tensor that holds it. */
  readonly weight: string
  /** TensorProto.DataType of the input. */
  readonly elementType: number
  readonly output: string
}

const FLOAT32 = 1

/** The linear layer that `node` is, or begins, for this input. */
export function linearAt(wiring: Wiring, node: FileNode, input: string): Linear | undefined {
  if (node.inputs[0] !== input) return undefined
  switch (`${node.domain}:${node.operator}`) {
    case ':MatMul':
      return plain(node, wiring.constant(node.inputs[1] ?? ''), false)
    case 'com.microsoft:FusedMatMul': {
      const isOther = ['transA', 'transBatchA', 'transBatchB'].some((name) => intAttribute(node, name))
      return isOther ? undefined : plain(node, wiring.constant(node.inputs[1] ?? ''), isTransposed(node))
    }
    case ':Gemm':
      if (intAttribute(node, 'transA')) return undefined
      return plain(node, wiring.constant(node.inputs[1] ?? ''), isTransposed(node))
    case 'com.microsoft:MatMulNBits':
      return inBlocks(wiring, node)
    case 'com.microsoft:DynamicQuantizeMatMul':
      return plain(node, withFloat(wiring.constant(node.inputs[1] ?? '')), false)
    case ':DynamicQuantizeLinear':
      return dynamicallyQuantised(wiring, node)
    default:
      return undefined
  }
}

const isTransposed = (node: FileNode) => intAttribute(node, 'transB') === 1
const withFloat = (matrix: Constant | undefined) => matrix && { ...matrix, elementType: FLOAT32 }

function plain(node: FileNode, matrix: Constant | undefined, isTurned: boolean): Linear | undefined {
  if (matrix?.shape.length !== 2) return undefined
  const [rows, columns] = matrix.shape as [number, number]
  return {
    entry: node,
    product: node,
    in: isTurned ? columns : rows,
    out: isTurned ? rows : columns,
    weight: matrix.tensor,
    elementType: matrix.elementType,
    output: node.outputs[0]!,
  }
}

/** MatMulNBits: sizes are attributes, the scales have the type of the input. */
function inBlocks(wiring: Wiring, node: FileNode): Linear | undefined {
  const [matrix, scales] = [wiring.constant(node.inputs[1] ?? ''), wiring.constant(node.inputs[2] ?? '')]
  const [width, out] = [intAttribute(node, 'K'), intAttribute(node, 'N')]
  if (matrix === undefined || scales === undefined || width === undefined || out === undefined) return undefined
  const { elementType } = scales
  return { entry: node, product: node, in: width, out, weight: matrix.tensor, elementType, output: node.outputs[0]! }
}

/** DynamicQuantizeLinear -> MatMulInteger -> Cast -> Mul by the product of both scales. */
function dynamicallyQuantised(wiring: Wiring, entry: FileNode): Linear | undefined {
  const [product, ...others] = wiring.readers(entry.outputs[0]!)
  if (product?.operator !== 'MatMulInteger' || others.length > 0) return undefined
  const linear = plain(product, withFloat(wiring.constant(product.inputs[1] ?? '')), false)
  const cast = onlyReader(wiring, product.outputs[0]!, 'Cast')
  const scaled = cast && onlyReader(wiring, cast.outputs[0]!, 'Mul')
  return linear && scaled && { ...linear, entry, output: scaled.outputs[0]! }
}

function onlyReader(wiring: Wiring, value: string, operator: string): FileNode | undefined {
  const readers = wiring.readers(value)
  return readers.length === 1 && readers[0]!.operator === operator ? readers[0] : undefined
}
