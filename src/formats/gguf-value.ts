/** @file Values of the metadata of a GGUF file: thirteen types, tagged by kind; 64-bit integers are bigints. */
import { PalignError } from '../errors.ts'
import type { GgufCursor } from './gguf-cursor.ts'

type NumberKind = 'uint8' | 'int8' | 'uint16' | 'int16' | 'uint32' | 'int32' | 'float32' | 'float64'
type BigintKind = 'uint64' | 'int64'
export type GgufScalarKind = NumberKind | BigintKind | 'bool' | 'string'

export type GgufScalar =
  | { readonly kind: NumberKind; readonly value: number }
  | { readonly kind: BigintKind; readonly value: bigint }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'string'; readonly value: string }

/** All elements are of one type; arrays of arrays are refused, as llama.cpp does. */
export type GgufArray =
  | { readonly kind: 'array'; readonly of: NumberKind; readonly values: readonly number[] }
  | { readonly kind: 'array'; readonly of: BigintKind; readonly values: readonly bigint[] }
  | { readonly kind: 'array'; readonly of: 'bool'; readonly values: readonly boolean[] }
  | { readonly kind: 'array'; readonly of: 'string'; readonly values: readonly string[] }

export type GgufValue = GgufScalar | GgufArray
export type GgufMetadata = ReadonlyMap<string, GgufValue>

/** A kind's place is its number in a file. */
const KINDS = [
  'uint8',
  'int8',
  'uint16',
  'int16',
  'uint32',
  'int32',
  'float32',
  'bool',
  'string',
  'array',
  'uint64',
  'int64',
  'float64',
] as const satisfies readonly GgufValue['kind'][]

type Element = number | bigint | boolean | string

/** How the types of fixed length lie in a file, little endian. */
interface Layout<T> {
  readonly bytes: number
  get(view: DataView, at: number): T
  put(view: DataView, value: T): void
}

const LAYOUTS: Readonly<Record<NumberKind, Layout<number>> & Record<BigintKind, Layout<bigint>> & { bool: Layout<boolean> }> = {
  uint8: { bytes: 1, get: (view, at) => view.getUint8(at), put: (view, value) => view.setUint8(0, value) },
  int8: { bytes: 1, get: (view, at) => view.getInt8(at), put: (view, value) => view.setInt8(0, value) },
  uint16: { bytes: 2, get: (view, at) => view.getUint16(at, true), put: (view, value) => view.setUint16(0, value, true) },
  int16: { bytes: 2, get: (view, at) => view.getInt16(at, true), put: (view, value) => view.setInt16(0, value, true) },
  uint32: { bytes: 4, get: (view, at) => view.getUint32(at, true), put: (view, value) => view.setUint32(0, value, true) },
  int32: { bytes: 4, get: (view, at) => view.getInt32(at, true), put: (view, value) => view.setInt32(0, value, true) },
  float32: { bytes: 4, get: (view, at) => view.getFloat32(at, true), put: (view, value) => view.setFloat32(0, value, true) },
  float64: { bytes: 8, get: (view, at) => view.getFloat64(at, true), put: (view, value) => view.setFloat64(0, value, true) },
  uint64: { bytes: 8, get: (view, at) => view.getBigUint64(at, true), put: (view, value) => view.setBigUint64(0, value, true) },
  int64: { bytes: 8, get: (view, at) => view.getBigInt64(at, true), put: (view, value) => view.setBigInt64(0, value, true) },
  bool: { bytes: 1, get: (view, at) => view.getUint8(at) === 1, put: (view, value) => view.setUint8(0, value ? 1 : 0) },
}

/** The length before a string, or before the elements of an array. */
const LENGTH_BYTES = 8

const LIMITS = {
  /** The longest strings are chat templates. */
  stringBytes: 10_000_000,
  /** Vocabulary and merges of the largest models have a million elements. */
  elements: 4_000_000,
  /** Of all arrays: two million tokens with their scores and types, and their merges. */
  allElements: 8_000_000,
}

/** How many elements the arrays of a file may still have. */
export interface GgufBudget {
  elements: number
}

export function ggufBudget(): GgufBudget {
  return { elements: LIMITS.allElements }
}

/** What the value has of elements is taken off the budget. @throws PalignError `malformed-file` */
export function readGgufValue(cursor: GgufCursor, budget: GgufBudget): GgufValue {
  const kind = readKind(cursor)
  if (kind !== 'array') return { kind, value: readScalar(cursor, kind) } as GgufScalar
  const of = readKind(cursor)
  if (of === 'array') return cursor.refuse('array holds arrays, expected numbers, strings or flags')
  const least = of === 'string' ? LENGTH_BYTES : LAYOUTS[of].bytes
  const count = cursor.count('array length', { most: Math.min(LIMITS.elements, budget.elements), bytesEach: least })
  budget.elements -= count
  const values: Element[] = []
  for (let i = 0; i < count; i++) values.push(readScalar(cursor, of))
  return { kind, of, values } as GgufArray
}

function readKind(cursor: GgufCursor): GgufValue['kind'] {
  const number = cursor.uint32()
  return KINDS[number] ?? cursor.refuse(`type of value is ${number}, expected 0 to ${KINDS.length - 1}`)
}

function readScalar(cursor: GgufCursor, kind: GgufScalarKind): Element {
  if (kind === 'string') return cursor.text('string', LIMITS.stringBytes)
  const { bytes, get } = LAYOUTS[kind]
  const at = cursor.take(bytes)
  const value = get(cursor.view, at)
  if (kind === 'bool' && cursor.view.getUint8(at) > 1) cursor.refuse(`flag is ${cursor.view.getUint8(at)}, expected 0 or 1`)
  // The many bit patterns of NaN would not be written back as they were.
  return Number.isNaN(value) ? cursor.refuse('float is not a number') : value
}

/** The bytes of a value with its type before it. @throws PalignError `invalid-input` for a value that its type cannot hold */
export function* ggufValueBytes(value: GgufValue): Iterable<Uint8Array> {
  yield uint32Bytes(KINDS.indexOf(value.kind))
  if (value.kind !== 'array') {
    yield scalarBytes(value.kind, value.value)
    return
  }
  yield uint32Bytes(KINDS.indexOf(value.of))
  yield uint64Bytes(value.values.length)
  for (const element of value.values) yield scalarBytes(value.of, element)
}

export function uint32Bytes(value: number): Uint8Array {
  return scalarBytes('uint32', value)
}

export function uint64Bytes(value: number): Uint8Array {
  return scalarBytes('uint64', BigInt(value))
}

/** The length in bytes of UTF-8, then the bytes. */
export function ggufTextBytes(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text)
  const out = new Uint8Array(LENGTH_BYTES + bytes.length)
  out.set(uint64Bytes(bytes.length))
  out.set(bytes, LENGTH_BYTES)
  return out
}

function scalarBytes(kind: GgufScalarKind, value: Element): Uint8Array {
  if (kind === 'string') return ggufTextBytes(value as string)
  const { bytes, get, put } = LAYOUTS[kind] as Layout<Element>
  const view = new DataView(new ArrayBuffer(bytes))
  put(view, value)
  // What an integer type cannot hold is wrapped by the view; a float may be rounded.
  const isHeld = kind === 'float32' || kind === 'float64' ? !Number.isNaN(value) : get(view, 0) === value
  if (!isHeld) {
    throw new PalignError('invalid-input', `metadata value ${value} is no ${kind}`, { hint: 'choose a type that can hold it' })
  }
  return new Uint8Array(view.buffer)
}
