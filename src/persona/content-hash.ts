/**
 * @file What a persona is, as one hash: sha256 over the canonical JSON of its record and, behind it, the bytes of its directions. It says that a file is as
 * it was written, and names the parents of a mix; it says nothing of who wrote it. Metadata of other tools is not part of it.
 */
import { PalignError } from '../errors.ts'
import { concatenate } from '../math/bytes.ts'
import { floatBytes } from '../math/float-bytes.ts'
import { sha256 } from '../math/sha256.ts'
import { adapterContentHash } from './adapter-record.ts'
import type { StoredPersona } from './persona.ts'
import { changedContent } from './persona-fields.ts'
import { HASH_KEY, PERSONA_KEY, type PersonaRecord, personaToRecord, recordFormat } from './persona-record.ts'

/** The hash that `writePersona` writes. */
export async function contentHash(persona: StoredPersona): Promise<string> {
  return persona.kind === 'adapter' ? adapterContentHash(persona) : recordHash(personaToRecord(persona))
}

/** The record with its hash. */
export async function sealed(record: PersonaRecord): Promise<PersonaRecord> {
  return { ...record, metadata: { ...record.metadata, [HASH_KEY]: await recordHash(record) } }
}

/** @throws PalignError `malformed-file` where the record is not what its hash says; format 1 has none */
export async function assertSealed(record: PersonaRecord): Promise<void> {
  if (recordFormat(record) === 1) return
  const stated = record.metadata[HASH_KEY]
  if (stated === undefined)
    throw new PalignError('malformed-file', `persona has no ${HASH_KEY}, expected the hash of its content`)
  if (stated !== (await recordHash(record))) throw changedContent()
}

/** Of the text as it stands in the file. */
async function recordHash({ metadata, tensors }: PersonaRecord): Promise<string> {
  const text = new TextEncoder().encode(metadata[PERSONA_KEY])
  const parts = [text, ...Array.from(tensors.values(), ({ data }) => floatBytes(data))]
  return sha256(concatenate(parts))
}
