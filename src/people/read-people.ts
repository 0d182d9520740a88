/** @file Reader of any supported file of answers; the format is told by the content. */
import { PalignError } from '../errors.ts'
import { isRecord, jsonOf, type PeopleFile } from './people-file.ts'
import { darkTriadPeople, readDarkTriad } from './read-dark-triad.ts'
import { looksLikeJohnson, readJohnson } from './read-johnson.ts'
import { ownPeople } from './read-own.ts'
import { papiPeople } from './read-papi.ts'

/** Enough for the first column title of a table or the first bracket of JSON. */
const OPENING_BYTES = 64

/**
 * Reads PAPI test persons, Short Dark Triad answers (JSON or table), Johnson's fixed-width files or palign's own format.
 * `fileName` only names the file in errors. Errors: `malformed-file`, `wrong-coding`.
 */
export function readPeople(bytes: Uint8Array, fileName = 'people file'): PeopleFile {
  const opening = new TextDecoder().decode(bytes.subarray(0, OPENING_BYTES)).trimStart()
  if (opening.startsWith('{') || opening.startsWith('[')) return jsonPeople(jsonOf(bytes), fileName)
  if (opening.includes('\t')) return readDarkTriad(bytes)
  if (looksLikeJohnson(bytes)) return readJohnson(bytes)
  throw unknownFormat(fileName, 'it is neither JSON nor a table nor records of 333 or 151 bytes')
}

function jsonPeople(json: unknown, fileName: string): PeopleFile {
  if (!Array.isArray(json)) return ownPeople(json)
  const [first] = json
  if (isRecord(first) && 'i1' in first) return papiPeople(json)
  if (isRecord(first) && 'M1' in first) return darkTriadPeople(json)
  throw unknownFormat(fileName, 'its first record has neither the field i1 nor the field M1')
}

function unknownFormat(fileName: string, seen: string): PalignError {
  return new PalignError('malformed-file', `${fileName} has no known format: ${seen}`, {
    hint: 'bring answers in the format of PAPI, the Short Dark Triad, Johnson, or { "questionnaire", "coding", "respondents" }',
  })
}
