/** @file Tensors of a file as numbers, and numbers as tensors of a file. Little-endian hosts, as every platform of Node is. */
import { PalignError } from '../errors.ts'
import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from '../math/half-floats.ts'
import type { ByteSource } from './byte-source.ts'
import type { Dtype, TensorBytes, TensorEntry } from './safetensors.ts'

/** The element types whose values are exactly float32 values. */
export const FLOAT_DTYPES = ['F32', 'F16', 'BF16'] as const
export type FloatDtype = (typeof FLOAT_DTYPES)[number]

export function isFloatDtype(dtype: Dtype): dtype is FloatDtype {
  return (FLOAT_DTYPES as readonly Dtype[]).includes(dtype)
}

/** The numbers of one tensor, row-major; throws `malformed-file` for a dtype that is not F32, F16 or BF16. */
export async function readFloats(source: ByteSource, { name, dtype, begin, end }: TensorEntry): Promise<Float32Array> {
  // A copy, since the range need not lie at a multiple of the element size; by constructor, since a Buffer's slice is a view.
  const { buffer } = new Uint8Array(await source.slice(begin, end))
  switch (dtype) {
    case 'F32':
      return new Float32Array(buffer)
    case 'F16':
      return fromFloat16(new Uint16Array(buffer))
    case 'BF16':
      return fromBfloat16(new Uint16Array(buffer))
    default:
      throw new PalignError('malformed-file', `tensor ${name} has dtype ${dtype}, expected one of ${FLOAT_DTYPES.join(', ')}`, {
        hint: 'use the unquantised weights of the model',
      })
  }
}

/** Rounds to nearest where `dtype` is narrower than float32. */
export function floatTensor(
  name: string,
  shape: readonly number[],
  values: Float32Array,
  dtype: FloatDtype = 'F32',
): TensorBytes {
  const numbers = dtype === 'F32' ? values : dtype === 'F16' ? toFloat16(values) : toBfloat16(values)
  return { name, dtype, shape, data: new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength) }
}
