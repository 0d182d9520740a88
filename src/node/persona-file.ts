/**
 * @file Personas on disk, written whole or not at all: a safetensors file with JSON metadata, or for an adapter a PEFT folder with
 * a record beside it. A file may lie under a passphrase (`age.ts`); what is in it is decrypted into memory only.
 */
import { stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { errorAt, PalignError } from '../errors.ts'
import { bytesSource } from '../formats/byte-source.ts'
import { readFloats } from '../formats/float-tensor.ts'
import { readSafetensorsHeader, SMALL_HEADER_BYTES, writeSafetensors } from '../formats/safetensors.ts'
import { floatBytes } from '../math/float-bytes.ts'
import { adapterPersonaFrom, adapterPersonaToJson, assertAdapterSealed } from '../persona/adapter-record.ts'
import { assertSealed, contentHash, sealed } from '../persona/content-hash.ts'
import type { AdapterPersona, StoredPersona } from '../persona/persona.ts'
import { type PersonaTensor, personaFromRecord, personaToRecord, type TensorPersona } from '../persona/persona-record.ts'
import { PERSONA_RECORD, readAdapterFolder, writeAdapterFolder } from './adapter-folder.ts'
import { AGE_ENDING, decrypt, encryptedLimit, isEncrypted } from './age.ts'
import { writeFileAtomic } from './atomic-write.ts'
import { ifExists, readFileBounded } from './read-file.ts'

/** A persona moves at most every head of a model: more is not a persona. */
export const MAX_PERSONA_BYTES = 64 << 20
const MAX_RECORD_BYTES = 1 << 20
export const PERSONA_ENDING = '.safetensors'

/** The passphrase, or where it comes from: that is asked only where a file is encrypted. */
export type Passphrase = string | (() => string | Promise<string>)

export interface ReadPersonaOptions {
  readonly passphrase?: Passphrase | undefined
}

/** What a persona is called after its file or folder. */
export function personaNameOf(path: string): string {
  const name = basename(resolve(path))
  const plain = name.endsWith(AGE_ENDING) ? name.slice(0, -AGE_ENDING.length) : name
  return plain.endsWith(PERSONA_ENDING) ? plain.slice(0, -PERSONA_ENDING.length) : plain
}

/** Writes a file, or a folder for an adapter. @throws PalignError `invalid-input` for a folder that holds something else */
export async function writePersona(path: string, persona: StoredPersona): Promise<void> {
  if (persona.kind === 'adapter') return writeAdapterPersona(path, persona)
  await writeFileAtomic(path, await personaBytes(persona))
}

/** Content of a persona file: the same persona gives the same bytes. */
async function personaBytes(persona: TensorPersona): Promise<Uint8Array> {
  const { tensors, metadata } = await sealed(personaToRecord(persona))
  const entries = [...tensors].map(([name, { shape, data }]) => ({
    name,
    dtype: 'F32' as const,
    shape,
    data: floatBytes(data),
  }))
  return writeSafetensors({ tensors: entries, metadata })
}

async function writeAdapterPersona(folder: string, persona: AdapterPersona): Promise<void> {
  const { adapter, model, method, training } = persona
  const given = training?.hyperparameters.dropout
  const dropout = typeof given === 'number' ? given : undefined
  // A persona knows its model by the fingerprint, not by a name.
  const peft = { adapter, base: undefined, origin: { model, method } }
  await writeAdapterFolder(folder, peft, { dropout, record: adapterPersonaToJson(persona, await contentHash(persona)) })
}

/**
 * A file, or a folder with an adapter: one that palign did not write is a persona of method `peft`, whose model is unknown.
 * @throws PalignError `not-found`, `malformed-file` (changed after it was written, or a wrong passphrase, too), `non-finite`; `invalid-input` for an encrypted
 * file without a passphrase; `incompatible-persona` for adapters that cannot be applied exactly
 */
export async function readPersona(path: string, options: ReadPersonaOptions = {}): Promise<StoredPersona> {
  const info = await stat(path).catch(() => undefined)
  return info?.isDirectory() ? readAdapterPersona(path) : personaFromBytes(await readPersonaBytes(path, options), path)
}

async function readAdapterPersona(folder: string): Promise<AdapterPersona> {
  const { adapter, origin } = await readAdapterFolder(folder)
  const path = join(folder, PERSONA_RECORD)
  const record = await ifExists(readFileBounded(path, MAX_RECORD_BYTES))
  try {
    const text = record && new TextDecoder().decode(record)
    const persona = adapterPersonaFrom(text, adapter, origin)
    if (text !== undefined) await assertAdapterSealed(text, persona)
    return persona
  } catch (error) {
    throw errorAt(`file ${path}`, error)
  }
}

/** The plain bytes of a persona file, decrypted where it is encrypted. Throws as `readPersona` does. */
export async function readPersonaBytes(path: string, { passphrase }: ReadPersonaOptions = {}): Promise<Uint8Array> {
  const bytes = await readFileBounded(path, encryptedLimit(MAX_PERSONA_BYTES))
  if (!isEncrypted(bytes)) {
    if (bytes.length <= MAX_PERSONA_BYTES) return bytes
    throw new PalignError('malformed-file', `file ${path} has ${bytes.length} bytes, at most ${MAX_PERSONA_BYTES} are read`)
  }
  if (passphrase === undefined) {
    throw new PalignError('invalid-input', `file ${path} is encrypted and no passphrase was given`, {
      hint: 'give --passphrase-file, or set PALIGN_PASSPHRASE',
    })
  }
  const given = typeof passphrase === 'string' ? passphrase : await passphrase()
  try {
    return await decrypt(bytes, given)
  } catch (error) {
    throw errorAt(`file ${path}`, error)
  }
}

/** @param path for errors */
export async function personaFromBytes(bytes: Uint8Array, path: string): Promise<TensorPersona> {
  try {
    const source = bytesSource(bytes)
    const header = await readSafetensorsHeader(source, { mostHeaderBytes: SMALL_HEADER_BYTES })
    const tensors = new Map<string, PersonaTensor>()
    for (const tensor of header.tensors) tensors.set(tensor.name, { shape: tensor.shape, data: await readFloats(source, tensor) })
    const record = { tensors, metadata: header.metadata }
    const persona = personaFromRecord(record)
    await assertSealed(record)
    return persona
  } catch (error) {
    throw errorAt(`file ${path}`, error)
  }
}
