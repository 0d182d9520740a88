/** @file Persona files: safetensors with JSON metadata, written whole or not at all. */
import { PalignError } from '../errors.ts'
import { bytesSource } from '../formats/byte-source.ts'
import { readFloats } from '../formats/float-tensor.ts'
import { readSafetensorsHeader, writeSafetensors } from '../formats/safetensors.ts'
import type { Persona } from '../persona/persona.ts'
import { type PersonaTensor, personaFromRecord, personaToRecord } from '../persona/persona-record.ts'
import { writeFileAtomic } from './atomic-write.ts'
import { readFileBounded } from './read-file.ts'

/** A persona moves at most every head of a model: more is not a persona. */
const MAX_PERSONA_BYTES = 64 << 20

export type FilePersona = Exclude<Persona, { kind: 'none' }>

export async function writePersona(path: string, persona: FilePersona): Promise<void> {
  const { tensors, metadata } = personaToRecord(persona)
  const entries = [...tensors].map(([name, { shape, data }]) => ({
    name,
    dtype: 'F32' as const,
    shape,
    data: littleEndian(data),
  }))
  await writeFileAtomic(path, writeSafetensors({ tensors: entries, metadata }))
}

/** @throws PalignError `not-found`, `malformed-file`, `non-finite` */
export async function readPersona(path: string): Promise<FilePersona> {
  const bytes = await readFileBounded(path, MAX_PERSONA_BYTES)
  try {
    const source = bytesSource(bytes)
    const header = await readSafetensorsHeader(source)
    const tensors = new Map<string, PersonaTensor>()
    for (const tensor of header.tensors) tensors.set(tensor.name, { shape: tensor.shape, data: await readFloats(source, tensor) })
    return personaFromRecord({ tensors, metadata: header.metadata })
  } catch (error) {
    if (error instanceof PalignError) throw new PalignError(error.code, `file ${path}: ${error.message}`, { cause: error })
    throw error
  }
}

function littleEndian(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(values.length * 4)
  const view = new DataView(bytes.buffer)
  for (const [i, value] of values.entries()) view.setFloat32(i * 4, value, true)
  return bytes
}
