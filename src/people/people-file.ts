/** @file What every reader of answers gives back, and the checks they share. Rows in messages count from 0. */
import { PalignError } from '../errors.ts'
import { respondentCount } from '../items/answer-matrix.ts'
import { type CodingCheck, requireCoding } from './coding-check.ts'
import type { Sample } from './sample.ts'

export interface PeopleFile {
  readonly format: 'papi' | 'dark-triad' | 'johnson' | 'own'
  readonly sample: Sample
  /** `undecided` where the answers are too few to tell their coding: the claimed one was believed. */
  readonly codingCheck: Exclude<CodingCheck, { kind: 'contradicted' }>
}

/** Most respondents of one file; the largest known has 619,150. */
const MOST_RESPONDENTS = 2_000_000
/** Largest text: JSON and tables are decoded whole. */
const MOST_TEXT_BYTES = 256 * 2 ** 20
const YOUNGEST = 10
const OLDEST = 120

/** Accepts a filled sample: its answers must be in the coding it claims. */
export function peopleFile(format: PeopleFile['format'], sample: Sample): PeopleFile {
  if (respondentCount(sample) === 0) throw new PalignError('malformed-file', 'respondents number 0, expected at least 1')
  return { format, sample, codingCheck: requireCoding(sample) }
}

/** Text of a file given as text or as UTF-8 bytes. */
export function textOf(source: string | Uint8Array): string {
  if (source.length > MOST_TEXT_BYTES) {
    throw new PalignError('malformed-file', `text has a length of ${source.length}, expected at most ${MOST_TEXT_BYTES}`)
  }
  if (typeof source === 'string') return source
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(source)
  } catch (cause) {
    throw new PalignError('malformed-file', 'bytes are not UTF-8 text', { cause })
  }
}

/** Value of a JSON text. The parser's own message is not passed on, because it quotes the answers. */
export function jsonOf(source: string | Uint8Array): unknown {
  try {
    return JSON.parse(textOf(source))
  } catch (cause) {
    if (cause instanceof PalignError) throw cause
    throw new PalignError('malformed-file', 'text is not JSON: it is cut off or has a syntax error')
  }
}

export type JsonRecord = Readonly<Record<string, unknown>>

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The records of a JSON array of respondents. */
export function recordsOf(value: unknown): readonly JsonRecord[] {
  if (!Array.isArray(value)) throw new PalignError('malformed-file', `respondents are ${shown(value)}, expected an array`)
  checkCount(value.length)
  const row = value.findIndex((record) => !isRecord(record))
  if (row >= 0) throw new PalignError('malformed-file', `row ${row} is ${shown(value[row])}, expected an object`)
  return value
}

export function checkCount(respondents: number): void {
  if (respondents > MOST_RESPONDENTS) {
    throw new PalignError('malformed-file', `respondents number ${respondents}, expected at most ${MOST_RESPONDENTS}`)
  }
}

/** An answer as stored, 0 where missing. */
export function storedAnswer(value: unknown, row: number, field: string): number {
  if (isWhole(value) && value >= 0 && value <= 5) return value
  throw fieldError(value, row, field, 'a whole number from 0 (missing) to 5')
}

/** Code of the sex as stored in Johnson's and the PAPI files: 1 male, 2 female, 0 or absent where not stated. */
export function storedSex(value: unknown, row: number): number {
  if (value === undefined) return 0
  if (isWhole(value) && value >= 0 && value <= 2) return value
  throw fieldError(value, row, 'sex', '1 (male), 2 (female) or 0 (not stated)')
}

/** Age in years, 0 or absent where not stated. */
export function storedAge(value: unknown, row: number): number {
  if (value === undefined || value === 0) return 0
  if (isWhole(value) && value >= YOUNGEST && value <= OLDEST) return value
  throw fieldError(value, row, 'age', `a whole number from ${YOUNGEST} to ${OLDEST}`)
}

export function fieldError(value: unknown, row: number, field: string, expected: string): PalignError {
  return new PalignError('malformed-file', `field ${field} of row ${row} is ${shown(value)}, expected ${expected}`)
}

function isWhole(value: unknown): value is number {
  return Number.isInteger(value)
}

/** A value in a message: its kind where it is large. */
export function shown(value: unknown): string {
  if (value === undefined) return 'absent'
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  return JSON.stringify(typeof value === 'string' ? value.slice(0, 20) : value)
}
