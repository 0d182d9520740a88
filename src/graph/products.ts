/** @file Products x W^T with a matrix as the files have it, `[out, in]`. */
import { type GraphBuilder, int, ints, type Operation, type Value } from './graph-builder.ts'

/**
 * `fused` takes the matrix as it lies, by an operator that ONNX Runtime has for its CPU and for few other devices; `plain` is made of operators that
 * every device has: the transposed copy is made when the graph is opened. Both compute the same.
 */
export type ProductKind = 'fused' | 'plain'

/** x W^T for W `[out, in]`. */
export type TransposedProduct = (input: Value, matrix: Value, outputs?: Pick<Operation, 'outputs'>) => Value

export function transposedProduct(builder: GraphBuilder, kind: ProductKind): TransposedProduct {
  switch (kind) {
    case 'fused':
      return (input, matrix, outputs) =>
        builder.node('FusedMatMul', {
          domain: 'com.microsoft',
          inputs: [input, matrix],
          attributes: { transB: int(1) },
          ...outputs,
        })
    case 'plain':
      return (input, matrix, outputs) => {
        const across = builder.node('Transpose', { inputs: [matrix], attributes: { perm: ints(1, 0) } })
        return builder.node('MatMul', { inputs: [input, across], ...outputs })
      }
    default:
      throw kind satisfies never
  }
}
