/**
 * @file Personas on disk, written whole or not at all: a safetensors file with JSON metadata, or for an adapter a PEFT folder with
 * a record beside it.
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { errorAt } from '../errors.ts'
import { bytesSource } from '../formats/byte-source.ts'
import { readFloats } from '../formats/float-tensor.ts'
import { readSafetensorsHeader, SMALL_HEADER_BYTES, writeSafetensors } from '../formats/safetensors.ts'
import { adapterPersonaFrom, adapterPersonaToJson } from '../persona/adapter-record.ts'
import type { AdapterPersona, StoredPersona } from '../persona/persona.ts'
import { type PersonaTensor, personaFromRecord, personaToRecord, type TensorPersona } from '../persona/persona-record.ts'
import { PERSONA_RECORD, readAdapterFolder, writeAdapterFolder } from './adapter-folder.ts'
import { writeFileAtomic } from './atomic-write.ts'
import { ifExists, readFileBounded } from './read-file.ts'

/** A persona moves at most every head of a model: more is not a persona. */
const MAX_PERSONA_BYTES = 64 << 20
const MAX_RECORD_BYTES = 1 << 20

/** Writes a file, or a folder for an adapter. @throws PalignError `invalid-input` for a folder that holds something else */
export async function writePersona(path: string, persona: StoredPersona): Promise<void> {
  if (persona.kind === 'adapter') return writeAdapterPersona(path, persona)
  const { tensors, metadata } = personaToRecord(persona)
  const entries = [...tensors].map(([name, { shape, data }]) => ({
    name,
    dtype: 'F32' as const,
    shape,
    data: littleEndian(data),
  }))
  await writeFileAtomic(path, writeSafetensors({ tensors: entries, metadata }))
}

async function writeAdapterPersona(folder: string, persona: AdapterPersona): Promise<void> {
  const { adapter, model, method, training } = persona
  const given = training?.hyperparameters.dropout
  const dropout = typeof given === 'number' ? given : undefined
  // A persona knows its model by the fingerprint, not by a name.
  const peft = { adapter, base: undefined, origin: { model, method } }
  await writeAdapterFolder(folder, peft, { dropout, record: adapterPersonaToJson(persona) })
}

/**
 * A file, or a folder with an adapter: one that palign did not write is a persona of method `peft`, whose model is unknown.
 * @throws PalignError `not-found`, `malformed-file`, `non-finite`; `incompatible-persona` for adapters that cannot be applied exactly
 */
export async function readPersona(path: string): Promise<StoredPersona> {
  const info = await stat(path).catch(() => undefined)
  return info?.isDirectory() ? readAdapterPersona(path) : readTensorPersona(path)
}

async function readAdapterPersona(folder: string): Promise<AdapterPersona> {
  const { adapter, origin } = await readAdapterFolder(folder)
  const path = join(folder, PERSONA_RECORD)
  const record = await ifExists(readFileBounded(path, MAX_RECORD_BYTES))
  try {
    return adapterPersonaFrom(record && new TextDecoder().decode(record), adapter, origin)
  } catch (error) {
    throw errorAt(`file ${path}`, error)
  }
}

async function readTensorPersona(path: string): Promise<TensorPersona> {
  const bytes = await readFileBounded(path, MAX_PERSONA_BYTES)
  try {
    const source = bytesSource(bytes)
    const header = await readSafetensorsHeader(source, { mostHeaderBytes: SMALL_HEADER_BYTES })
    const tensors = new Map<string, PersonaTensor>()
    for (const tensor of header.tensors) tensors.set(tensor.name, { shape: tensor.shape, data: await readFloats(source, tensor) })
    return personaFromRecord({ tensors, metadata: header.metadata })
  } catch (error) {
    throw errorAt(`file ${path}`, error)
  }
}

function littleEndian(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(values.length * 4)
  const view = new DataView(bytes.buffer)
  for (const [i, value] of values.entries()) view.setFloat32(i * 4, value, true)
  return bytes
}
