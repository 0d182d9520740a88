/**
 * @file Reader of the fixed-width files of Johnson's IPIP-NEO repository, straight from bytes. A record is a head and one digit per
 * item, 0 missing, values keyed: IPIP300.dat 333 bytes (items in the last 300), IPIP120.dat 151 bytes (items in the last 120), each
 * followed by LF or CRLF. Of the head only sex (byte 7) and age (bytes 8-9) are read: the case number and the time identify people.
 */
import { PalignError } from '../errors.ts'
import { IPIP_NEO_120, IPIP_NEO_300 } from '../items/ipip-neo.ts'
import type { Questionnaire } from '../items/questionnaire.ts'
import { checkCount, fieldError, type PeopleFile, peopleFile, storedAge, storedSex } from './people-file.ts'
import { emptySample } from './sample.ts'

const FORM_OF_WIDTH: ReadonlyMap<number, Questionnaire> = new Map([
  [333, IPIP_NEO_300],
  [151, IPIP_NEO_120],
])
const WIDEST = 333
const SEX_AT = 6
const AGE_AT = 7

const LF = 10
const CR = 13
const SPACE = 32
const ZERO = 48

/** Bytes of the first record without its line end, or undefined if no line end comes in time. */
function recordWidth(bytes: Uint8Array): number | undefined {
  const end = bytes.subarray(0, WIDEST + 2).indexOf(LF)
  if (end < 0) return bytes.length <= WIDEST ? bytes.length : undefined
  return bytes[end - 1] === CR ? end - 1 : end
}

/** Whether the first record has the width of a known form. */
export function looksLikeJohnson(bytes: Uint8Array): boolean {
  return FORM_OF_WIDTH.has(recordWidth(bytes) ?? 0)
}

/** Reads IPIP300.dat or IPIP120.dat. `malformed-file` names row and field; `wrong-coding` if the values are not keyed. */
export function readJohnson(bytes: Uint8Array): PeopleFile {
  const width = recordWidth(bytes) ?? 0
  const questionnaire = FORM_OF_WIDTH.get(width)
  if (questionnaire === undefined) {
    throw new PalignError('malformed-file', `first record is ${width || `over ${WIDEST}`} bytes wide, expected 333 or 151`)
  }
  const stride = width + (bytes[width] === CR ? 2 : 1)
  const count = recordCount(bytes.length, width, stride)
  checkCount(count)
  const sample = emptySample(questionnaire, questionnaire.storedAs, count)
  const { values } = sample
  const first = width - questionnaire.items.length
  let next = 0
  for (let row = 0; row < count; row++) {
    const start = row * stride
    const end = start + stride - 1
    if (end < bytes.length && bytes[end] !== LF) {
      throw new PalignError('malformed-file', `row ${row} does not end after ${width} bytes like the first`)
    }
    sample.sex[row] = storedSex(headNumber(bytes, start + SEX_AT, 1), row)
    sample.age[row] = storedAge(headNumber(bytes, start + AGE_AT, 2), row)
    for (let at = start + first; at < start + width; at++) {
      const value = bytes[at]! - ZERO
      if (value < 0 || value > 5) {
        const field = `item ${questionnaire.items[at - start - first]!.itemNumber}`
        throw fieldError(String.fromCharCode(bytes[at]!), row, field, 'a digit from 0 (missing) to 5')
      }
      values[next++] = value
    }
  }
  return peopleFile('johnson', sample)
}

/** Number of records; the last may lack its line end. */
function recordCount(length: number, width: number, stride: number): number {
  const rest = length % stride
  if (rest === 0) return length / stride
  if (rest === width) return (length - rest) / stride + 1
  throw new PalignError('malformed-file', `last record is ${rest} bytes wide, expected ${width}`, {
    hint: 'the file may be cut off',
  })
}

/** A number of the head, blanks not stated; its text where it is no number. */
function headNumber(bytes: Uint8Array, from: number, digits: number): number | string {
  let number = 0
  for (let at = from; at < from + digits; at++) {
    const byte = bytes[at]!
    if (byte >= ZERO && byte < ZERO + 10) number = 10 * number + byte - ZERO
    else if (byte !== SPACE) return String.fromCharCode(...bytes.subarray(from, from + digits))
  }
  return number
}
