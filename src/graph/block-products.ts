/** @file Products with, and rows of, matrices in blocks of few bits: one operator of ONNX Runtime each, over the bytes where they lie. */
import { BLOCK } from '../formats/quantised-matrix.ts'
import { type GraphBuilder, int, type Operation, type Value } from './graph-builder.ts'
import type { ProductKind } from './products.ts'
import { type BlockWeight, contentOf } from './weights.ts'

/**
 * Inputs are rounded to 8 bits a block, as llama.cpp does: products are of whole numbers, and a row gives the same bits whatever rows are beside it. With
 * float inputs it would not, and 8-bit weights would take many times as long.
 */
const INT8 = 4
/** Inputs as they are: on other devices than the CPU rounding them is a matter of the device. */
const FLOAT32 = 1

export interface BlockProductOptions extends Pick<Operation, 'outputs'> {
  readonly products: ProductKind
}

/** x W^T. */
export function blockProduct(
  builder: GraphBuilder,
  input: Value,
  weight: BlockWeight,
  { products, ...outputs }: BlockProductOptions,
): Value {
  const [out, width] = weight.shape as [number, number]
  const level = products === 'fused' ? INT8 : FLOAT32
  return builder.node('MatMulNBits', {
    domain: 'com.microsoft',
    inputs: [input, numbers(builder, weight, weight.numbers.shape), scale(builder, weight)],
    attributes: { K: int(width), N: int(out), bits: int(weight.bits), block_size: int(BLOCK), accuracy_level: int(level) },
    ...outputs,
  })
}

/** Rows of the matrix as float32. */
export function blockRows(builder: GraphBuilder, weight: BlockWeight, ids: Value): Value {
  const [out, width] = weight.shape as [number, number]
  return builder.node('GatherBlockQuantized', {
    domain: 'com.microsoft',
    inputs: [numbers(builder, weight, [out, (width * weight.bits) / 8]), ids, scale(builder, weight)],
    attributes: { bits: int(weight.bits), block_size: int(BLOCK), gather_axis: int(0), quantize_axis: int(1) },
  })
}

/** The same bytes under another shape are another tensor. */
function numbers(builder: GraphBuilder, weight: BlockWeight, shape: readonly number[]): Value {
  const name = `${weight.numbers.name} [${shape}]`
  return builder.tensor({ name, type: 'uint8', shape, content: contentOf(weight.numbers) })
}

function scale(builder: GraphBuilder, { scale: stored }: BlockWeight): Value {
  return builder.tensor({ name: stored.name, type: 'float32', shape: stored.shape, content: contentOf(stored) })
}
