/** @file Large safetensors files: written tensor by tensor, whole or not at all. */
import { type FloatDtype, floatTensor } from '../formats/float-tensor.ts'
import { safetensorsStart } from '../formats/safetensors.ts'
import { writeFileAtomic } from './atomic-write.ts'

export interface FloatTensorEntry {
  readonly name: string
  readonly shape: readonly number[]
  readonly values: Float32Array
}

export interface TensorFile {
  readonly tensors: readonly FloatTensorEntry[]
  readonly dtype?: FloatDtype | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

export async function writeTensorFile(path: string, { tensors, dtype = 'F32', metadata = {} }: TensorFile): Promise<void> {
  await writeFileAtomic(path, pieces())

  function* pieces(): Generator<Uint8Array> {
    yield safetensorsStart({ tensors: tensors.map(({ name, shape }) => ({ name, shape, dtype })), metadata })
    for (const { name, shape, values } of tensors) yield floatTensor(name, shape, values, dtype).data
  }
}
