/** @file Large safetensors files: written tensor by tensor, whole or not at all. */
import { open } from 'node:fs/promises'
import { type FloatDtype, floatTensor } from '../formats/float-tensor.ts'
import { safetensorsStart, type TensorBytes } from '../formats/safetensors.ts'
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

/** Tensors that are read or made when their turn comes; those of one group are made together. */
export interface PlannedTensors {
  readonly tensors: readonly Omit<TensorBytes, 'data'>[]
  /** Their bytes, in the same order. */
  make(): Promise<readonly Uint8Array[]>
}

/** Writes a new file of a folder that is not in place yet (`writeFolderAtomic`); one group in memory at a time. */
export async function writePlannedTensors(
  path: string,
  groups: readonly PlannedTensors[],
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const out = await open(path, 'wx')
  try {
    await out.writeFile(safetensorsStart({ tensors: groups.flatMap(({ tensors }) => tensors), metadata }))
    // Follows what was written before: a file handle keeps its place.
    for (const { make } of groups) for (const data of await make()) await out.writeFile(data)
    await out.sync()
  } finally {
    await out.close()
  }
}
